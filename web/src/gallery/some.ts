/** Some pictures of the gallery, by their ids. Those that are in view are loaded. */

import { useQueries } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import { pictureOf, type Picture } from "@/api/pictures";

import { PAGE, type Range } from "./pages";

const FRESH = 60_000;
const KEPT = 30_000;

export function useSome(ids: readonly string[], key: string, { first, last }: Range) {
  const [from, to] = [Math.floor(first / PAGE), Math.floor(last / PAGE)];
  const pages = Array.from({ length: to - from + 1 }, (_, index) => {
    return ids.slice((from + index) * PAGE, (from + index + 1) * PAGE).join(",");
  });
  const results = useQueries({
    queries: pages.map((page) => ({
      queryKey: ["gallery", "some", page, key],
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Picture[]> => {
        const answer = await api.GET("/api/pictures", { params: { query: { ids: page } }, signal });
        return body(answer).pictures.map(({ id, payload }) => pictureOf(id, payload));
      },
      staleTime: FRESH,
      gcTime: KEPT,
      enabled: page !== "",
    })),
  });
  const loaded = new Map(
    results.flatMap(({ data = [] }) => data.map((picture) => [picture.id, picture] as const)),
  );
  return {
    pictureAt: (index: number): Picture | undefined => loaded.get(ids[index] ?? ""),
    error: results.find(({ error }) => error !== null)?.error ?? null,
  };
}
