import { useCallback, useEffect, useRef } from "react";

import { needsKey } from "@/api/problem";
import type { SearchPage } from "@/api/results";
import { cn } from "@/lib/classes";
import { plural } from "@/lib/format";
import { FullNotice } from "@/references/full-notice";
import { openKeys } from "@/state/keys-dialog";
import { Button } from "@/ui/button";
import { Failure, Notice, Skeleton } from "@/ui/states";

import { Advice } from "./advice";
import { BalanceBar } from "./balance-bar";
import { Card, type CardActions } from "./card";
import { DisagreementNote, LeftOutNote } from "./disagreement-note";
import { DroppedAreaNote } from "./dropped-area-note";
import { Gone, goneOf } from "./gone";
import { useMarks } from "./marks";
import { NothingFound } from "./nothing-found";
import { useKeptInView } from "./use-kept-in-view";
import type { useSearch } from "./use-search";
import { useTop } from "./use-top";
import { Walk } from "./walk";

const GRID = "grid grid-cols-[repeat(auto-fill,minmax(min(9.5rem,42%),1fr))] gap-x-3 gap-y-4";
const SKELETONS = 12;

interface ResultsProps {
  search: ReturnType<typeof useSearch>;
  actions: CardActions;
  failure: unknown;
}

/** The results, or why there are none; the gallery while nothing is searched for. */
export function Results({ search, actions, failure }: ResultsProps) {
  const { hits, searchable, error, isPending, refetch } = search;
  const gone = goneOf(error);
  const list = useRef<HTMLDivElement>(null);
  useTop(list, search.searched);
  return (
    <div
      ref={list}
      className="scroll-slim min-h-0 flex-1 overflow-y-auto px-4 pb-6
        landscape-phone:overflow-visible"
    >
      <div
        className="sticky top-0 z-10 -mx-4 flex flex-wrap items-center gap-x-4 gap-y-1.5 bg-panel/90
          px-4 py-2 backdrop-blur-sm landscape-phone:py-1"
      >
        <p id="search-status" role="status" className="tabular min-h-4 text-xs text-soft">
          {(gone === null && statusOf(search)) || " "}
        </p>
        <BalanceBar parts={search.parts} />
      </div>
      {failure !== null && <Notice error={failure} className="mb-3" />}
      <FullNotice className="mb-3" />
      {search.dropsArea && <DroppedAreaNote />}
      {search.leavesDrawing && <LeftOutNote />}
      {!searchable ? (
        <Walk list={list} actions={actions} />
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
          {!search.searching && <DisagreementNote hits={hits} parts={search.parts} />}
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

function Grid({ search, actions }: Pick<ResultsProps, "search" | "actions">) {
  const { hits, hasNextPage, isFetchingNextPage, fetchNextPage, isPlaceholderData } = search;
  const marksOf = useMarks();
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isPlaceholderData) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isPlaceholderData, fetchNextPage]);
  const end = useNearEnd(loadMore, hits.length);
  const list = useRef<HTMLUListElement>(null);
  useKeptInView(list);
  return (
    <>
      <ul
        ref={list}
        id="results"
        aria-label="Results"
        aria-busy={isPlaceholderData}
        className={cn(
          GRID,
          "[&_img]:transition-opacity",
          isPlaceholderData && "[&_img]:opacity-50",
        )}
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
