/**
 * Some pictures of the gallery, by their ids. Those that are in view are loaded. A picture that was
 * deleted is noticed when its page is loaded, and has no position from then on.
 */

import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { create } from "zustand";

import { api, body } from "@/api/client";
import { pictureOf, type Picture } from "@/api/pictures";

import { KEEPING, PAGE, type Range } from "./pages";

/** The ids that the gallery had no pictures of when they were asked for last. */
const useGone = create<{ gone: ReadonlySet<string> }>()(() => ({ gone: new Set() }));

/** The ids that are gone, after some were asked for and some of those found. */
export function goneAfter(
  gone: ReadonlySet<string>,
  asked: readonly string[],
  found: ReadonlySet<string>,
): ReadonlySet<string> {
  const isKnown = asked.every((id) => gone.has(id) !== found.has(id));
  if (isKnown) return gone;
  const others = [...gone].filter((id) => !found.has(id));
  return new Set([...others, ...asked.filter((id) => !found.has(id))]);
}

/** Where the pictures that are left stand among the ids. */
export function leftOf(ids: readonly string[], gone: ReadonlySet<string>): number[] {
  return ids.flatMap((id, place) => (gone.has(id) ? [] : [place]));
}

/** The same, as far as it is known. */
export function useLeft(ids: readonly string[]): readonly number[] {
  const gone = useGone((state) => state.gone);
  return useMemo(() => leftOf(ids, gone), [ids, gone]);
}

/**
 * The pages of the ids that hold what is in view of those that are left. Beside the ends, pages of
 * which nothing is left are among them: their pictures may be put back.
 */
export function pagesOfSome(
  left: readonly number[],
  count: number,
  { first, last }: Range,
): number[] {
  const from = first === 0 ? 0 : (left[Math.min(first, left.length - 1)] ?? 0);
  const to = last >= left.length - 1 ? count - 1 : (left[last] ?? 0);
  const [begin, end] = [Math.floor(from / PAGE), Math.floor(to / PAGE)];
  return Array.from({ length: Math.max(0, end - begin + 1) }, (_, page) => begin + page);
}

export function useSome(ids: readonly string[], key: string, range: Range) {
  const left = useLeft(ids);
  const results = useQueries({
    queries: pagesOfSome(left, ids.length, range).map((page) => {
      const asked = ids.slice(page * PAGE, (page + 1) * PAGE);
      return {
        queryKey: ["gallery", "some", asked.join(","), key],
        queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Picture[]> => {
          const query = { ids: asked.join(",") };
          const answer = body(await api.GET("/api/pictures", { params: { query }, signal }));
          const pictures = answer.pictures.map(({ id, payload }) => pictureOf(id, payload));
          const found = new Set(pictures.map(({ id }) => id));
          useGone.setState(({ gone }) => ({ gone: goneAfter(gone, asked, found) }));
          return pictures;
        },
        ...KEEPING,
      };
    }),
  });
  const loaded = new Map(
    results.flatMap(({ data = [] }) => data.map((picture) => [picture.id, picture] as const)),
  );
  return {
    total: left.length,
    pictureAt: (index: number): Picture | undefined => loaded.get(ids[left[index] ?? -1] ?? ""),
    error: results.find(({ error }) => error !== null)?.error ?? null,
  };
}
