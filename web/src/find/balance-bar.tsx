import { cn } from "@/lib/classes";
import { percent } from "@/lib/format";

import { goesBack, shareOf, shifted, type Part, type PartName } from "./balance";
import { useQueryState } from "./query-state";

const NAMES: Record<PartName, string> = {
  drawing: "Drawing",
  pictures: "Pictures",
  words: "Words",
  style: "Style",
};

/** What decides the results: a segment for each part of the query. A tap shifts towards it. */
export function BalanceBar({ parts }: { parts: readonly Part[] }) {
  const { weights, set } = useQueryState();
  if (parts.length < 2) return null;
  const shares = parts.map((part) => shareOf(part, parts, weights));
  const most = Math.max(...shares);
  return (
    <div
      role="group"
      aria-label="What decides the results"
      className="flex min-w-min flex-[1_1_11rem] gap-px overflow-hidden rounded-md"
    >
      {parts.map((part, index) => {
        const share = shares[index] ?? 0;
        const named = `${NAMES[part.name]} ${percent(share)}`;
        const effect = goesBack(part, parts, weights) ? "back to the usual balance" : "count more";
        return (
          <button
            key={part.name}
            type="button"
            aria-label={`${named}: ${effect}`}
            title={`${NAMES[part.name]}: ${effect}`}
            onClick={() => set({ weights: shifted(part, parts, weights) })}
            style={{ flexGrow: share }}
            className={cn(
              "tabular h-6 min-w-max basis-0 px-2 text-left text-2xs whitespace-nowrap",
              "transition-[flex-grow] focus-visible:-outline-offset-2",
              "[@media(hover:none)]:h-8 landscape-phone:h-6!",
              share === most
                ? "bg-blue-soft font-semibold text-blue"
                : "bg-well text-soft hover:text-ink",
            )}
          >
            {named}
          </button>
        );
      })}
    </div>
  );
}
