import { CloudOff, KeyRound, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { isUnreachable, messageOf, needsKey, Problem } from "@/api/problem";
import { isOutdated, useReachability } from "@/api/reachability";
import { cn } from "@/lib/classes";

import { Button } from "./button";

/** A view without content. */
export function Empty({
  icon,
  title,
  children,
  className,
}: {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  className?: string;
}) {
  return (
    <div
      className={cn(
        "mx-auto flex max-w-sm flex-col items-center gap-2 px-6 py-12 text-center",
        className,
      )}
    >
      {icon !== undefined && (
        <div className="mb-1 text-edge [&_svg]:size-7 [&_svg]:stroke-[1.5]">{icon}</div>
      )}
      <p className="font-medium">{title}</p>
      {children !== undefined && <div className="text-soft text-pretty">{children}</div>}
    </div>
  );
}

/** A view that could not be loaded: what happened, and what can be done. */
export function Failure({
  error,
  onRetry,
  onKey,
  className,
}: {
  error: unknown;
  onRetry?: () => void;
  onKey?: () => void;
  className?: string;
}) {
  const unreachable = isUnreachable(error);
  const locked = needsKey(error);
  return (
    <div
      role="alert"
      className={cn(
        "mx-auto flex max-w-md flex-col items-center gap-2 px-6 py-10 text-center",
        className,
      )}
    >
      <div className="mb-1 text-ruby [&_svg]:size-6 [&_svg]:stroke-[1.5]">
        {unreachable ? <CloudOff /> : locked ? <KeyRound /> : <TriangleAlert />}
      </div>
      <p className="font-medium">{failureTitle(error)}</p>
      <p className="text-soft text-pretty">
        {unreachable ? "The page reconnects by itself." : messageOf(error)}
      </p>
      <div className="mt-2 flex gap-2">
        {locked && onKey !== undefined && (
          <Button size="small" look="solid" onClick={onKey}>
            Enter a key
          </Button>
        )}
        {onRetry !== undefined && (
          <Button size="small" onClick={onRetry}>
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}

function failureTitle(error: unknown): string {
  if (isUnreachable(error)) return "Service unavailable";
  return error instanceof Problem ? error.title : "Something went wrong";
}

/**
 * A failure beside the content that it concerns. One that passed with the server's recovery is not
 * shown any more.
 */
export function Notice({ error, className }: { error: unknown; className?: string }) {
  const outdated = useReachability(({ recoveredAt }) => isOutdated(error, recoveredAt));
  if (outdated) return null;
  return (
    <p
      role="alert"
      className={cn(
        "flex items-start gap-2 rounded-md bg-ruby-soft px-3 py-2 text-[0.8125rem] text-ruby",
        className,
      )}
    >
      <TriangleAlert className="mt-0.5 size-4 shrink-0" />
      <span className="min-w-0">{messageOf(error)}</span>
    </p>
  );
}

/** A placeholder while content is loaded. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn("animate-pulse rounded-md bg-well", className)} />;
}

export function ProgressBar({
  fraction,
  label,
  className,
}: {
  fraction: number | null;
  label: string;
  className?: string;
}) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(fraction === null ? {} : { "aria-valuenow": Math.round(fraction * 100) })}
      className={cn("h-1 overflow-hidden rounded-full bg-line", className)}
    >
      <div
        className={cn(
          "h-full origin-left rounded-full bg-blue transition-transform duration-300",
          fraction === null && "w-1/3 animate-[slide_1.6s_ease-in-out_infinite]",
        )}
        style={fraction === null ? undefined : { transform: `scaleX(${fraction})` }}
      />
    </div>
  );
}
