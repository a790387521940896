import { TriangleAlert } from "lucide-react";

import { cn } from "@/lib/classes";

import { MOST_REFERENCES, useReferences } from "./store";

/** Says that a picture was not added, since there was no room for it. */
export function FullNotice({ className }: { className?: string }) {
  const refused = useReferences((state) => state.refused);
  if (!refused) return null;
  return (
    <p
      role="alert"
      className={cn(
        "flex items-start gap-2 rounded-md bg-well px-3 py-2 text-[0.8125rem] text-amber",
        className,
      )}
    >
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <span className="min-w-0">
        Not added: all {MOST_REFERENCES} references are taken. Remove one first.
      </span>
    </p>
  );
}
