import { Search, X } from "lucide-react";
import { useMemo, useState } from "react";

import type { Hit } from "@/api/results";
import { cn } from "@/lib/classes";
import { isSame, useReferences } from "@/references/store";
import { Input } from "@/ui/controls";

import type { CardActions } from "./card";
import { Details } from "./details";
import { reportClick, save } from "./feedback";
import { Filters, Likes } from "./filters";
import { toggleLike, useQueryState } from "./query-state";
import { Results } from "./results";
import { StyleSlot } from "./style-slot";
import { Presets, Tune } from "./tune";
import { useSearch } from "./use-search";

/** The search: its form and its results. */
export function FindPanel({ className }: { className?: string }) {
  const search = useSearch();
  const [open, setOpen] = useState<Hit | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const actions = useMemo<CardActions>(
    () => ({
      open: (hit) => {
        setOpen(hit);
        reportClick(hit.picture);
      },
      like: ({ picture }) => {
        const { likes, set } = useQueryState.getState();
        set({ likes: toggleLike(likes, picture) });
      },
      save: ({ picture }) => void save(picture).then(() => setFailure(null), setFailure),
      refer: toggleReference,
    }),
    [],
  );

  return (
    <section aria-label="Find references" className={cn("flex min-h-0 flex-col", className)}>
      <div className="flex flex-col gap-2.5 border-b px-4 pt-3 pb-3">
        <WordFields />
        <div className="-m-1 flex items-center gap-1 overflow-x-auto p-1 [scrollbar-width:none]">
          <Presets />
          <span className="ml-auto">
            <Tune calibrated={search.first?.calibrated !== false} />
          </span>
        </div>
        <Filters facets={search.first?.facets ?? null} />
        <Likes />
        <StyleSlot />
      </div>
      <Results search={search} actions={actions} failure={failure} />
      {open !== null && (
        <Details hit={open} weights={search.first?.weights} onClose={() => setOpen(null)} />
      )}
    </section>
  );
}

function toggleReference({ picture: { id, title, licence } }: Hit): void {
  const { references, add, remove } = useReferences.getState();
  const source = { kind: "gallery", id } as const;
  const known = references.find((reference) => isSame(reference.source, source));
  if (known !== undefined) remove(known.key);
  else add({ source, title, licence });
}

function WordFields() {
  const { text, negativeText, set } = useQueryState();
  return (
    <div className="flex gap-2">
      <div className="relative min-w-0 flex-[2]">
        <Search
          aria-hidden
          className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-soft"
        />
        <Input
          id="words"
          type="search"
          aria-label="Words"
          placeholder="Search: red apple, full moon…"
          value={text}
          onChange={(event) => set({ text: event.target.value })}
          className="pr-9 pl-9 [&::-webkit-search-cancel-button]:hidden"
        />
        {text !== "" && (
          <button
            type="button"
            aria-label="Clear the words"
            className="absolute top-1/2 right-2 -translate-y-1/2 rounded-sm p-1 text-soft
              hover:text-ink"
            onClick={() => set({ text: "" })}
          >
            <X className="size-4" />
          </button>
        )}
      </div>
      <Input
        aria-label="Words to exclude"
        placeholder="Exclude…"
        value={negativeText}
        onChange={(event) => set({ negativeText: event.target.value })}
        className="flex-1"
      />
    </div>
  );
}
