/** The pages of the gallery that are loaded: those in view, and the first one. */

import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";

import { api, body, type Schemas } from "@/api/client";
import { pictureOf, type Picture } from "@/api/pictures";

/** Pictures of one request. */
export const PAGE = 100;

/** How long pages are kept: those out of view not for long, so that a long walk needs no more. */
export const KEEPING = { staleTime: 60_000, gcTime: 30_000 };

/** Fields of a request that select pictures. Those that are empty are left out. */
export type GalleryFields = Partial<
  Record<"styles" | "style_groups" | "tags" | "exclude_tags" | "origin", string>
> & { tag_mode?: "any" | "all" };

interface GalleryPage {
  total: number;
  pictures: Picture[];
}

/** The indices that are in view. */
export interface Range {
  first: number;
  last: number;
}

/** The pages that hold a range. The first one is always among them, since it tells the total. */
export function pagesOf({ first, last }: Range): number[] {
  const [from, to] = [Math.floor(first / PAGE), Math.floor(last / PAGE)];
  const shown = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  return shown.includes(0) ? shown : [0, ...shown];
}

function pageQuery(fields: GalleryFields, key: string, page: number) {
  return {
    queryKey: ["gallery", fields, key, page],
    queryFn: async ({ signal }: { signal: AbortSignal }): Promise<GalleryPage> => {
      const query = { ...fields, at: page * PAGE, limit: PAGE };
      const answer = body(await api.GET("/api/gallery", { params: { query }, signal }));
      const pictures = answer.pictures.map(({ id, payload }) => pictureOf(id, payload));
      return { total: answer.total, pictures };
    },
    ...KEEPING,
  };
}

/** The pictures of the gallery by their positions, the newest first. */
export function useGallery(fields: GalleryFields, key: string, range: Range) {
  const pages = pagesOf(range);
  const results = useQueries({ queries: pages.map((page) => pageQuery(fields, key, page)) });
  const loaded = new Map(pages.map((page, place) => [page, results[place]?.data]));
  const latest = results
    .filter(({ data }) => data !== undefined)
    .sort((left, right) => right.dataUpdatedAt - left.dataUpdatedAt)[0];
  const failed = results.find(({ error }) => error !== null);
  return {
    /** How many pictures there are; undefined until the first answer. */
    total: latest?.data?.total,
    /** The picture at a position; undefined while its page is not loaded. */
    pictureAt: (index: number): Picture | undefined =>
      loaded.get(Math.floor(index / PAGE))?.pictures[index % PAGE],
    error: failed?.error ?? null,
    retry: () => results.forEach((result) => void (result.error !== null && result.refetch())),
  };
}

/** The newest pictures of the gallery. It shares the first page's request. */
export function useNewest(key: string) {
  return useQuery(pageQuery({}, key, 0));
}

/** How many pictures there are with each style and tag, under a filter. */
export function useGalleryCounts(fields: GalleryFields, key: string, enabled: boolean) {
  return useQuery({
    queryKey: ["gallery", "counts", fields, key],
    queryFn: async ({ signal }): Promise<Schemas["GalleryCounts"]> =>
      body(await api.GET("/api/gallery/counts", { params: { query: fields }, signal })),
    staleTime: KEEPING.staleTime,
    placeholderData: keepPreviousData,
    enabled,
  });
}
