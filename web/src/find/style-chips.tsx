import { X } from "lucide-react";

import type { Schemas } from "@/api/client";
import { count } from "@/lib/format";

import { toggleGroup, useQueryState } from "./query-state";

type GroupCount = Schemas["StyleGroupCount"];

/**
 * The styles of the gallery that results must be of, and those among the best results that can be
 * chosen.
 */
export function StyleChips({ found }: { found: readonly GroupCount[] }) {
  const { styleGroups, set } = useQueryState();
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
            title={`${count(style.count)} among the best results`}
            className="h-7 max-w-60 truncate rounded-full border border-line bg-raised px-2.5
              text-xs font-medium text-soft hover:border-edge hover:text-ink"
            onClick={() => set({ styleGroups: toggleGroup(styleGroups, style) })}
          >
            {style.name}
          </button>
        </li>
      ))}
    </ul>
  );
}
