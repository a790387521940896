import { useQuery } from "@tanstack/react-query";

import { api, body, type GenerateBody, type Job } from "@/api/client";
import { useDebounced } from "@/lib/use-debounced";

import type { WishBody } from "./wish";

/** The document has ids as integers only; see `WishBody`. */
function documented(wish: WishBody): GenerateBody {
  return wish as unknown as GenerateBody;
}

/** Starts a generation. The key prevents that an accidental repetition is charged twice. */
export async function generate(wish: WishBody, idempotencyKey: string): Promise<Job> {
  const header = { "Idempotency-Key": idempotencyKey };
  return body(
    await api.POST("/api/images/generate", { params: { header }, body: documented(wish) }),
  );
}

/** The price of a request, and how its inputs would be used. */
export async function estimateOf(wish: WishBody, signal: AbortSignal) {
  return body(await api.POST("/api/images/estimate", { body: documented(wish), signal }));
}

/** The price of a request, and how its inputs would be used, while the artist edits it. */
export function useEstimate(wish: WishBody | null) {
  const settled = useDebounced(JSON.stringify(wish), 350);
  return useQuery({
    queryKey: ["estimate", settled],
    queryFn: ({ signal }) => estimateOf(JSON.parse(settled) as WishBody, signal),
    enabled: settled !== "null",
    placeholderData: (before) => (wish === null ? undefined : before),
    retry: false,
    staleTime: 60_000,
  });
}
