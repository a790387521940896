/** Queries that several views share, with how long their answers stay fresh. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body, type FacetValue, type Provider, type Schemas } from "./client";
import { failedChecks } from "./providers";
import { queryClient } from "./query-client";

const LONG = 5 * 60_000;

/** The limit of styles that the search and the generation form share, so that they ask once. */
export const MOST_STYLES = 60;

/** The most frequent styles of the gallery. */
export function useStyles(limit: number) {
  return useQuery({
    queryKey: ["facets", "matched_tags", limit],
    queryFn: async (): Promise<FacetValue[]> => {
      const query = { field: "matched_tags", limit };
      return body(await api.GET("/api/facets", { params: { query } })).values;
    },
    staleTime: LONG,
  });
}

/** The styles that the gallery is made of. */
export function useGalleryStyles() {
  return useQuery({
    queryKey: ["styles"],
    queryFn: async ({ signal }): Promise<Schemas["StyleResponse"][]> =>
      body(await api.GET("/api/styles", { signal })).styles,
    staleTime: LONG,
  });
}

/** Tags that begin with a prefix; all frequent tags for an empty one. */
export function useTags(prefix: string, limit: number, enabled: boolean) {
  return useQuery({
    queryKey: ["tags", prefix, limit],
    queryFn: async ({ signal }): Promise<FacetValue[]> => {
      const query = { prefix, limit };
      return body(await api.GET("/api/tags", { params: { query }, signal })).tags;
    },
    staleTime: LONG,
    // Those of the prefix before are completed until the answer is there.
    placeholderData: keepPreviousData,
    enabled,
  });
}

/** The providers that are set up. A failed check may be repaired meanwhile, so it is repeated. */
export function useProviders() {
  return useQuery({
    queryKey: ["providers"],
    queryFn: async (): Promise<Schemas["ProvidersResponse"]> =>
      body(await api.GET("/api/providers")),
    staleTime: LONG,
    refetchInterval: ({ state }) =>
      state.data?.providers.some(isFailing) === true ? 60_000 : false,
  });
}

function isFailing(provider: Provider): boolean {
  return failedChecks(provider).length > 0;
}

/** The preparation in progress, or null. */
export function usePreparing() {
  return useQuery({
    queryKey: ["preparing"],
    queryFn: async (): Promise<Schemas["PreparingPart"] | null> =>
      body(await api.GET("/api/preparing", { cache: "no-store" })).preparing ?? null,
    refetchInterval: ({ state }) => (state.data ? 1000 : false),
  });
}

/** What changes with the pictures of the gallery. */
const OF_GALLERY = [
  "search",
  "facets",
  "tags",
  "styles",
  "gallery",
  "collection",
  "map",
  "picture",
];
/** A server lists pictures anew after ten seconds, if another process has changed them. */
const LISTED_ANEW = 10_500;

let later: ReturnType<typeof setTimeout> | undefined;

/** Repeats the queries whose answers change while pictures are added, edited and deleted. */
export function refreshGallery(): void {
  repeat(OF_GALLERY);
  clearTimeout(later);
  later = setTimeout(() => repeat(["gallery", "map"]), LISTED_ANEW);
}

function repeat(names: readonly string[]): void {
  for (const name of names) void queryClient.invalidateQueries({ queryKey: [name] });
}
