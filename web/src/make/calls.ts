import { useQuery } from "@tanstack/react-query";

import { request, type Job, type Schemas } from "@/api/client";
import { receiptOf, type Receipt } from "@/api/providers";
import { at } from "@/lib/address";
import { useDebounced } from "@/lib/use-debounced";

import type { bodyOf } from "./wish";

type Body = ReturnType<typeof bodyOf>;

function post(path: string, body: Body, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
  return request(new Request(at(path), signal === undefined ? init : { ...init, signal }));
}

/** Asks for pictures. The key makes sure that asking twice by accident buys once. */
export async function generate(body: Body, idempotencyKey: string): Promise<Job> {
  const response = await post("/api/images/generate", body, { "idempotency-key": idempotencyKey });
  return (await response.json()) as Job;
}

export interface Estimate {
  provider: string;
  usd: number | null;
  note: string;
  receipt: Receipt | null;
}

/** What it would cost and what would be honoured, told while the artist is still choosing. */
export function useEstimate(body: Body | null) {
  const settled = useDebounced(JSON.stringify(body), 350);
  return useQuery({
    queryKey: ["estimate", settled],
    queryFn: async ({ signal }): Promise<Estimate> => {
      const response = await post("/api/images/estimate", JSON.parse(settled) as Body, {}, signal);
      const { provider, usd, note, receipt } = (await response.json()) as Schemas["EstimateResponse"];
      return { provider, usd: usd ?? null, note, receipt: receiptOf(receipt) };
    },
    enabled: settled !== "null",
    placeholderData: (before) => (body === null ? undefined : before),
    retry: false,
    staleTime: 60_000,
  });
}
