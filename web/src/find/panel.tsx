import { ListFilter, Search, X } from "lucide-react";
import { useMemo, useState } from "react";

import type { Hit } from "@/api/results";
import { useGalleryCounts } from "@/gallery/pages";
import { cn } from "@/lib/classes";
import { isSame, useReferences } from "@/references/store";
import { useSession } from "@/state/session";
import { Input } from "@/ui/controls";
import { IconButton } from "@/ui/icon-button";

import { BoardStrip } from "./board-strip";
import type { CardActions } from "./card";
import { countsOfGallery, countsOfResults, type ChipCounts } from "./chip-counts";
import { Details, type Around } from "./details";
import { reportClick, toggleSaved } from "./feedback";
import { galleryFields } from "./fields";
import { Filters, Likes } from "./filters";
import { toggleLike, useQueryState } from "./query-state";
import { Results } from "./results";
import { StyleSlot } from "./style-slot";
import { Presets, Tune } from "./tune";
import { useSearch } from "./use-search";

/** The search: its form and its results. */
export function FindPanel({ className }: { className?: string }) {
  const search = useSearch();
  const counts = useChipCounts(search);
  const [open, setOpen] = useState<Hit | null>(null);
  const [filtering, setFiltering] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const actions = useMemo<CardActions>(
    () => ({
      open: (hit) => {
        setOpen(hit);
        reportClick(hit.picture);
      },
      like: ({ picture }, likeness) => {
        const { likes, styles, set } = useQueryState.getState();
        if (likeness === "subject") set({ likes: toggleLike(likes, picture) });
        else set({ styles: toggleLike(styles, picture) });
      },
      save: ({ picture }) => {
        toggleSaved(picture).then(() => setFailure(null), setFailure);
      },
      refer: toggleReference,
    }),
    [],
  );

  return (
    <section
      aria-label="Find references"
      className={cn(
        "relative flex min-h-0 flex-col landscape-phone:block landscape-phone:overflow-y-auto",
        className,
      )}
    >
      <div
        className="flex flex-col gap-2.5 border-b px-4 pt-3 pb-3 landscape-phone:px-3
          landscape-phone:py-1.5"
      >
        <div className="flex gap-1">
          <WordFields />
          <span className="hidden landscape-phone:inline">
            <IconButton
              name="Filters and weights"
              aria-expanded={filtering}
              onClick={() => setFiltering(!filtering)}
            >
              <ListFilter />
            </IconButton>
          </span>
        </div>
        {/* A phone held across has no room for them beside results. */}
        <div className={cn("contents", !filtering && "landscape-phone:hidden")}>
          <div className="-m-1 flex items-center gap-1 overflow-x-auto p-1 [scrollbar-width:none]">
            <Presets />
            <span className="ml-auto">
              <Tune calibrated={search.first?.calibrated !== false} />
            </span>
          </div>
          <Filters counts={counts} />
        </div>
        <Likes />
        <div className={cn("contents", !filtering && "landscape-phone:hidden")}>
          <StyleSlot />
        </div>
      </div>
      <Results search={search} actions={actions} failure={failure} />
      <BoardStrip onFailure={setFailure} />
      {open !== null && (
        <Details
          hit={open}
          weights={search.first?.weights}
          around={aroundIn(search, open, setOpen)}
          onClose={() => setOpen(null)}
        />
      )}
    </section>
  );
}

/** How near the end of the list the next page is loaded, while the details go through it. */
const AHEAD = 6;

/** What is before and after a result, while it is in the list. */
function aroundIn(
  { hits, hasNextPage, isFetchingNextPage, fetchNextPage }: ReturnType<typeof useSearch>,
  { picture }: Hit,
  show: (hit: Hit) => void,
): Around | null {
  const place = hits.findIndex((hit) => hit.picture.id === picture.id);
  if (place < 0) return null;
  return {
    place: place + 1,
    previous: hits[place - 1] ?? null,
    next: hits[place + 1] ?? null,
    show: (hit) => {
      show(hit);
      const left = hits.length - place;
      if (left < AHEAD && hasNextPage && !isFetchingNextPage) void fetchNextPage();
    },
  };
}

/** The counts of the best results, or without a search those of the gallery. */
function useChipCounts({ searchable, first }: ReturnType<typeof useSearch>): ChipCounts | null {
  const query = useQueryState();
  const key = useSession((session) => session.key);
  // Those of a part of the map are not known without a search.
  const isWhole = query.within === null;
  const { data } = useGalleryCounts(galleryFields(query), key, !searchable && isWhole);
  if (!searchable) return data === undefined || !isWhole ? null : countsOfGallery(data);
  return first?.facets == null ? null : countsOfResults(first.facets);
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
    <div className="flex min-w-0 flex-1 gap-2">
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
            onClick={() => {
              set({ text: "" });
              document.getElementById("words")?.focus();
            }}
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
