import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { useFeatures } from "@/api/queries";
import { useDebounced } from "@/lib/use-debounced";
import { searchedPart } from "@/pad/fingerprint";
import { usePad } from "@/pad/store";
import { useSession } from "@/state/session";

import { asks, queryOf, useQueryState } from "./query";
import { search } from "./search";

/** Long enough for the next stroke to begin, short enough to feel live. */
const PAUSE = 280;

/**
 * The results of what is asked for now. Each question has its own key, so that an answer to an older one is never shown
 * for it; the question that nobody waits for any more is aborted.
 */
export function useSearch() {
  const { features, known } = useFeatures();
  const artist = useSession((session) => session.artist);
  const key = useSession((session) => session.key);
  const state = useQueryState();
  const drawing = usePad(({ history }) => history.present);
  const ready = usePad((pad) => pad.ready);

  const query = queryOf(state);
  const part = query.useSketch ? searchedPart(drawing) : null;
  const current = JSON.stringify([query, part]);
  const settled = useDebounced(current, PAUSE);
  const asked = asks(query, part !== null);

  const result = useInfiniteQuery({
    queryKey: ["search", settled, artist, key],
    queryFn: ({ pageParam, signal }) => search({ query, drawing, artist, features, cursor: pageParam, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    enabled: asked && ready && known && settled === current,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });

  const hits = useMemo(() => {
    const seen = new Set<string>();
    return (asked ? (result.data?.pages ?? []) : [])
      .flatMap((page) => page.hits)
      .filter(({ picture }) => !seen.has(picture.id) && seen.add(picture.id));
  }, [asked, result.data]);

  return { ...result, hits, asked, searching: asked && (settled !== current || (result.isFetching && !result.isFetchingNextPage)), first: asked ? result.data?.pages[0] : undefined };
}
