import type { ReactNode } from "react";

import { cn } from "@/lib/classes";
import { count } from "@/lib/format";

interface ChipProps {
  /** Whether it is chosen. */
  on: boolean;
  onClick: () => void;
  /** Its accessible name, if that is not its whole text. */
  name?: string;
  title?: string;
  disabled?: boolean;
  className?: string | undefined;
  children: ReactNode;
}

/** A style that can be chosen, in the search and for generated pictures. */
export function Chip({ on, onClick, name, title, disabled, className, children }: ChipProps) {
  return (
    <button
      type="button"
      aria-pressed={on}
      aria-label={name}
      title={title}
      disabled={disabled}
      onClick={onClick}
      className={cn(
        "h-7 rounded-full border px-2.5 text-xs font-medium whitespace-nowrap transition-colors",
        "disabled:opacity-45",
        on
          ? "border-blue bg-blue-soft text-blue"
          : "border-line bg-raised text-soft enabled:hover:border-edge enabled:hover:text-ink",
        className,
      )}
    >
      {children}
    </button>
  );
}

/** How many pictures a chip stands for. */
export function ChipCount({ value }: { value: number }) {
  return <span className="tabular ml-1.5 font-normal">{count(value)}</span>;
}
