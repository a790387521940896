import { ChevronDown } from "lucide-react";
import { Slider as RadixSlider, Switch as RadixSwitch, ToggleGroup as RadixToggle } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";

import { cn } from "@/lib/classes";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return (
    <input
      dir="auto"
      className={cn(
        "h-9 w-full min-w-0 rounded-md border border-line bg-raised px-3 placeholder:text-soft",
        "focus-visible:border-blue focus-visible:outline-1 focus-visible:outline-offset-0",
        "aria-invalid:border-ruby",
        className,
      )}
      {...rest}
    />
  );
}

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      dir="auto"
      className={cn(
        "scroll-slim block w-full resize-y rounded-md border border-line bg-raised px-3 py-2",
        "placeholder:text-soft focus-visible:border-blue focus-visible:outline-1",
        "focus-visible:outline-offset-0",
        className,
      )}
      {...rest}
    />
  );
}

export function Select({ className, children, ...rest }: ComponentProps<"select">) {
  return (
    <span className="relative block min-w-0">
      <select
        className={cn(
          "h-9 w-full min-w-0 appearance-none rounded-md border border-line bg-raised pr-8 pl-3",
          "focus-visible:border-blue focus-visible:outline-1 focus-visible:outline-offset-0",
          "disabled:opacity-60",
          className,
        )}
        {...rest}
      >
        {children}
      </select>
      <ChevronDown
        aria-hidden
        className="pointer-events-none absolute top-1/2 right-2.5 size-4 -translate-y-1/2 text-soft"
      />
    </span>
  );
}

export function Field({
  label,
  htmlFor,
  hint,
  fault,
  children,
  className,
}: {
  label: string;
  htmlFor: string;
  hint?: ReactNode;
  fault?: string | null;
  children: ReactNode;
  className?: string;
}) {
  return (
    <div className={cn("flex min-w-0 flex-col gap-1.5", className)}>
      <label htmlFor={htmlFor} className="label-caps">
        {label}
      </label>
      {children}
      {fault ? (
        <p className="text-xs text-ruby" role="alert">
          {fault}
        </p>
      ) : hint ? (
        <p className="text-xs text-soft">{hint}</p>
      ) : null}
    </div>
  );
}

interface SliderProps {
  label: string;
  value: number;
  min?: number;
  max?: number;
  step?: number;
  onChange: (value: number) => void;
  onCommit?: (value: number) => void;
  className?: string;
  valueText?: string;
  disabled?: boolean;
}

export function Slider({
  label,
  value,
  min = 0,
  max = 1,
  step = 0.05,
  onChange,
  onCommit,
  className,
  valueText,
  disabled = false,
}: SliderProps) {
  return (
    <RadixSlider.Root
      className={cn(
        "relative flex h-6 w-full touch-none select-none items-center data-[disabled]:opacity-45",
        className,
      )}
      value={[value]}
      min={min}
      max={max}
      step={step}
      disabled={disabled}
      onValueChange={([next]) => next !== undefined && onChange(next)}
      onValueCommit={([next]) => next !== undefined && onCommit?.(next)}
    >
      <RadixSlider.Track className="relative h-1 grow rounded-full bg-line">
        <RadixSlider.Range className="absolute h-full rounded-full bg-blue" />
      </RadixSlider.Track>
      <RadixSlider.Thumb
        aria-label={label}
        aria-valuetext={valueText}
        className="block size-3.5 rounded-full border-[1.5px] border-blue bg-raised shadow-xs
          transition-transform hover:scale-115 focus-visible:outline-2"
      />
    </RadixSlider.Root>
  );
}

export function Switch({
  id,
  label,
  checked,
  onChange,
  disabled = false,
}: {
  id: string;
  label: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}) {
  return (
    <div className="flex items-center gap-2">
      <RadixSwitch.Root
        id={id}
        checked={checked}
        disabled={disabled}
        onCheckedChange={onChange}
        className="h-[18px] w-8 shrink-0 rounded-full border border-transparent bg-edge
          transition-colors data-[state=checked]:bg-blue disabled:opacity-45"
      >
        <RadixSwitch.Thumb
          className="block size-3.5 translate-x-px rounded-full bg-raised shadow-xs
            transition-transform data-[state=checked]:translate-x-[15px]"
        />
      </RadixSwitch.Root>
      <label htmlFor={id} className={cn("text-[0.8125rem]", disabled && "opacity-60")}>
        {label}
      </label>
    </div>
  );
}

export interface Choice<T extends string> {
  value: T;
  label: ReactNode;
  title?: string;
}

/** A choice between a few options, side by side. */
export function Segments<T extends string>({
  label,
  value,
  choices,
  onChange,
  className,
  small = false,
}: {
  label: string;
  value: T | "";
  choices: readonly Choice<T>[];
  onChange: (value: T) => void;
  className?: string;
  small?: boolean;
}) {
  return (
    <RadixToggle.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={(next) => next !== "" && onChange(next as T)}
      className={cn("inline-flex rounded-md bg-well p-0.5", className)}
    >
      {choices.map((choice) => (
        <RadixToggle.Item
          key={choice.value}
          value={choice.value}
          title={choice.title}
          className={cn(
            "inline-flex flex-1 items-center justify-center gap-1.5 whitespace-nowrap",
            "rounded-[5px] font-medium text-soft transition-colors hover:text-ink",
            "data-[state=on]:bg-raised data-[state=on]:text-ink data-[state=on]:shadow-xs",
            "[&_svg]:size-3.5",
            small ? "h-6 px-2 text-xs" : "h-7 px-3 text-[0.8125rem]",
          )}
        >
          {choice.label}
        </RadixToggle.Item>
      ))}
    </RadixToggle.Root>
  );
}
