import type { ReactNode } from "react";

import { cn } from "@/lib/classes";
import { Notice } from "@/ui/states";

interface FormCardProps {
  title: string;
  explains: string;
  /** Null without a failure. */
  error: unknown;
  onSubmit: () => void;
  /** What is below the fields and the failure. */
  buttons: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A form of the admin page: what it does, its fields, what went wrong, and its buttons. */
export function FormCard({
  title,
  explains,
  error,
  onSubmit,
  buttons,
  className,
  children,
}: FormCardProps) {
  return (
    <form
      aria-label={title}
      className={cn("flex flex-col gap-4 rounded-lg border bg-panel p-4", className)}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <h2 className="font-semibold tracking-tight">{title}</h2>
      <p className="-mt-3 text-[0.8125rem] text-pretty text-soft">{explains}</p>
      {children}
      {error !== null && <Notice error={error} />}
      <div className="flex flex-wrap gap-2">{buttons}</div>
    </form>
  );
}
