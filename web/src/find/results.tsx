import { Images, SearchX } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef } from "react";

import { needsKey } from "@/api/problem";
import { useGalleryStyles, usePreparing } from "@/api/queries";
import type { SearchPage } from "@/api/results";
import { cn } from "@/lib/classes";
import { plural } from "@/lib/format";
import { useReferences } from "@/references/store";
import { openKeys } from "@/state/keys-dialog";
import { Button } from "@/ui/button";
import { Empty, Failure, Notice, Skeleton } from "@/ui/states";

import { Advice } from "./advice";
import { Card, type CardActions } from "./card";
import { EmptyGallery, findsEverything, HowToAdd, useMayBeEmpty } from "./empty-gallery";
import { useSaved } from "./feedback";
import { Gone, goneOf } from "./gone";
import { useQueryState } from "./query-state";
import { Shelves } from "./shelves";
import type { useSearch } from "./use-search";

const GRID = "grid grid-cols-[repeat(auto-fill,minmax(min(9.5rem,42%),1fr))] gap-x-3 gap-y-4";
const SKELETONS = 12;

interface ResultsProps {
  search: ReturnType<typeof useSearch>;
  actions: CardActions;
  failure: unknown;
}

/** The results, or why there are none. */
export function Results({ search, actions, failure }: ResultsProps) {
  const { hits, searchable, error, isPending, refetch } = search;
  const gone = goneOf(error);
  return (
    <div className="scroll-slim min-h-0 flex-1 overflow-y-auto px-4 pb-6">
      <p
        id="search-status"
        role="status"
        className="tabular sticky top-0 z-10 -mx-4 bg-panel/90 px-4 py-2 text-xs text-soft
          backdrop-blur-sm"
      >
        {(gone === null && statusOf(search)) || " "}
      </p>
      {failure !== null && <Notice error={failure} className="mb-3" />}
      {!searchable ? (
        <Start />
      ) : gone !== null ? (
        <Gone id={gone} />
      ) : error !== null && hits.length === 0 ? (
        <Failure
          error={error}
          onRetry={() => void refetch()}
          {...(needsKey(error) ? { onKey: () => openKeys("key") } : {})}
        />
      ) : isPending ? (
        <Loading />
      ) : hits.length === 0 ? (
        <NothingFound />
      ) : (
        <>
          {error !== null && <Notice error={error} className="mb-3" />}
          {search.first !== undefined && <Advice page={search.first} />}
          <Grid search={search} actions={actions} />
        </>
      )}
    </div>
  );
}

function statusOf({ searchable, searching, first, hits, hasNextPage }: ResultsProps["search"]) {
  if (!searchable) return "";
  if (searching) return "Searching…";
  return first === undefined ? "" : summary(first, hits.length, hasNextPage);
}

function summary({ tookMs, priors }: SearchPage, found: number, more: boolean): string {
  const parts = [
    `${plural(found, "picture")}${more ? " and more" : ""}`,
    `${Math.max(1, Math.round(tookMs))} ms`,
    ...(priors > 0 ? ["personalised"] : []),
  ];
  return parts.join(" · ");
}

function Loading() {
  return (
    <ul aria-label="Loading" className={GRID}>
      {Array.from({ length: SKELETONS }, (_, index) => (
        <li key={index}>
          <Skeleton className="aspect-square" />
        </li>
      ))}
    </ul>
  );
}

/** What is shown before anything is searched for. */
function Start() {
  const { data: styles = [] } = useGalleryStyles();
  const mayBeEmpty = useMayBeEmpty();
  const { data: preparing } = usePreparing();
  if (styles.length > 0) return <Shelves styles={styles} />;
  return (
    <Empty icon={<Images />} title="Results appear here">
      <p>Draw on the pad, type a few words, or both. Then drag results into the references.</p>
      {mayBeEmpty && !preparing && (
        <p className="mt-3">
          Is the gallery still empty? <HowToAdd />
        </p>
      )}
    </Empty>
  );
}

function NothingFound() {
  const { data: preparing } = usePreparing();
  const query = useQueryState();
  if (!preparing && findsEverything(query)) return <EmptyGallery />;
  return preparing ? (
    <Empty icon={<Images />} title="The gallery is still being filled">
      Results appear as pictures are added.
    </Empty>
  ) : (
    <Empty icon={<SearchX />} title="Nothing found">
      Remove a filter, or try other words.
    </Empty>
  );
}

function Grid({ search, actions }: Pick<ResultsProps, "search" | "actions">) {
  const { hits, hasNextPage, isFetchingNextPage, fetchNextPage, isPlaceholderData } = search;
  const marksOf = useMarks();
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isPlaceholderData) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isPlaceholderData, fetchNextPage]);
  const end = useNearEnd(loadMore, hits.length);
  return (
    <>
      <ul
        id="results"
        aria-label="Results"
        aria-busy={isPlaceholderData}
        className={cn(GRID, "transition-opacity", isPlaceholderData && "opacity-60")}
      >
        {hits.map((hit) => (
          <Card key={hit.picture.id} hit={hit} actions={actions} {...marksOf(hit.picture.id)} />
        ))}
      </ul>
      <div ref={end} className="flex h-16 items-center justify-center">
        {hasNextPage && (
          <Button size="small" disabled={isFetchingNextPage} onClick={loadMore}>
            {isFetchingNextPage ? "Loading…" : "Show more"}
          </Button>
        )}
      </div>
    </>
  );
}

/** The artist's earlier actions on the picture with this id. */
function useMarks() {
  const references = useReferences((state) => state.references);
  const saved = useSaved(({ ids }) => ids);
  const likes = useQueryState((query) => query.likes);
  return useMemo(() => {
    const referredIds = new Set(
      references.flatMap(({ source }) => (source.kind === "gallery" ? [source.id] : [])),
    );
    const savedIds = new Set(saved);
    const likedIds = new Set(likes.map(({ id }) => id));
    return (id: string) => ({
      saved: savedIds.has(id),
      referred: referredIds.has(id),
      liked: likedIds.has(id),
    });
  }, [references, saved, likes]);
}

/** Calls back when the element that the reference is given to comes close to the view. */
function useNearEnd(onNear: () => void, length: number) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = end.current;
    if (element === null) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && onNear(),
      { rootMargin: "600px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
    // With a new length the observer starts again: the end may still be near.
  }, [onNear, length]);
  return end;
}
