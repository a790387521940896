import { X } from "lucide-react";

import type { Schemas } from "@/api/client";
import { count, plural } from "@/lib/format";
import { ChipCount } from "@/ui/chip";

import type { ChipCounts } from "./chip-counts";
import { toggleGroup, useQueryState } from "./query-state";

type GroupCount = Schemas["StyleGroupCount"];

interface StyleChipsProps {
  /** Styles that can be chosen. */
  found: readonly GroupCount[];
  counts: ChipCounts | null;
}

/**
 * The styles of the gallery that results must be of, and those among the best results that can be
 * chosen.
 */
export function StyleChips({ found, counts }: StyleChipsProps) {
  const { styleGroups, set } = useQueryState();
  const isOfResults = counts?.of === "results";
  const countOfGroup = (id: number) => counts?.groups.find((group) => group.id === id)?.count ?? 0;
  const others = found.filter(({ id }) => styleGroups.every((chosen) => chosen.id !== id));
  if (styleGroups.length === 0 && others.length === 0) return null;
  return (
    <ul aria-label="Styles of this gallery" className="flex flex-wrap items-center gap-1.5">
      {styleGroups.map((style) => (
        <li
          key={style.id}
          className="inline-flex h-7 max-w-60 items-center rounded-full border border-blue
            bg-blue-soft pl-2.5 text-xs font-medium text-blue"
        >
          <span className="truncate">{style.name}</span>
          {counts !== null && <ChipCount value={countOfGroup(style.id)} />}
          <button
            type="button"
            aria-label={`Remove the style ${style.name}`}
            className="px-1.5"
            onClick={() => set({ styleGroups: toggleGroup(styleGroups, style) })}
          >
            <X className="size-3.5" />
          </button>
        </li>
      ))}
      {others.map((style) => (
        <li key={style.id}>
          <button
            type="button"
            aria-label={style.name}
            title={
              isOfResults
                ? `${count(style.count)} among the best results`
                : plural(style.count, "picture")
            }
            className="h-7 max-w-60 truncate rounded-full border border-line bg-raised px-2.5
              text-xs font-medium text-soft hover:border-edge hover:text-ink"
            onClick={() => set({ styleGroups: toggleGroup(styleGroups, style) })}
          >
            {style.name}
            {!isOfResults && <ChipCount value={style.count} />}
          </button>
        </li>
      ))}
    </ul>
  );
}
