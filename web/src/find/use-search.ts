import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { useDebounced } from "@/lib/use-debounced";
import { searchedPart } from "@/pad/fingerprint";
import { usePad } from "@/pad/store";
import { useSession } from "@/state/session";

import { queryParts } from "./balance";
import { isSearchable, queryOf } from "./fields";
import { useQueryState } from "./query-state";
import { search } from "./search";
import { useArea } from "./use-area";

/** Long enough for the next stroke to start, and short enough to feel immediate. */
const PAUSE = 280;

/**
 * The results of the current form and drawing. The request is the key of the cache, so that the
 * answer to an older request is never shown for a newer one. Superseded requests are aborted.
 */
export function useSearch() {
  const artist = useSession((session) => session.artist);
  const key = useSession((session) => session.key);
  const state = useQueryState();
  const drawing = usePad(({ history }) => history.present);
  const ready = usePad((pad) => pad.ready);

  const query = queryOf(state);
  const drawn = searchedPart(drawing);
  const part = query.useSketch ? drawn : null;
  const current = JSON.stringify([query, part]);
  const settled = useDebounced(current, PAUSE);
  const searchable = isSearchable(query, part !== null);

  const result = useInfiniteQuery({
    queryKey: ["search", settled, artist, key],
    queryFn: ({ pageParam, signal }) => search({ query, drawing, artist }, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    enabled: searchable && ready && settled === current,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  const area = useArea(query.within, result.error);

  const pages = searchable ? result.data?.pages : undefined;
  const hits = useMemo(() => {
    const seen = new Set<string>();
    return (pages ?? [])
      .flatMap((page) => page.hits)
      .filter(({ picture }) => !seen.has(picture.id) && seen.add(picture.id));
  }, [pages]);

  const asking = result.isFetching && !result.isFetchingNextPage;
  const waiting = settled !== current || asking || area.isOld;
  const searching = searchable && waiting;
  return {
    ...result,
    error: area.isOld ? null : result.error,
    hits,
    searchable,
    searching,
    first: pages?.[0],
    searched: settled,
    parts: queryParts(query, part !== null),
    /** Whether there is a drawing that is not searched for. */
    leavesDrawing: drawn !== null && part === null,
    /** Whether a part of the map is not searched any more, since there is a newer map. */
    dropsArea: area.isDropped,
  };
}
