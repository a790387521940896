import type { ReactNode } from "react";

import { cn } from "@/lib/classes";

interface ChipProps {
  /** Whether it is chosen. */
  on: boolean;
  onClick: () => void;
  title?: string;
  disabled?: boolean;
  className?: string | undefined;
  children: ReactNode;
}

/** A style that can be chosen, in the search and for generated pictures. */
export function Chip({ on, onClick, title, disabled, className, children }: ChipProps) {
  return (
    <button
      type="button"
      aria-pressed={on}
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
