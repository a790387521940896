import { useQuery } from "@tanstack/react-query";
import { CloudOff } from "lucide-react";
import { useEffect } from "react";

import { request } from "@/api/client";
import { queryClient } from "@/api/query-client";
import { noteLost, noteRecovered, useReachability } from "@/api/reachability";
import { useDocument } from "@/documents/current";
import { showRecent } from "@/jobs/store";
import { at } from "@/lib/address";

const QUERY = "livez";
const REGULARLY = 10_000;
const SOON = 2_000;

/**
 * Whether the server answers. It is asked regularly, and more often after any call that it did not
 * answer. All other queries are repeated when it answers again.
 */
export function useReachable(): boolean {
  const lost = useReachability((state) => state.lost);
  const { isError, dataUpdatedAt, refetch } = useQuery({
    queryKey: [QUERY],
    queryFn: async () => {
      await request(new Request(at("/livez"), { cache: "no-store" }));
      return true;
    },
    retry: 1,
    refetchInterval: lost ? SOON : REGULARLY,
  });
  useEffect(() => {
    if (isError) noteLost();
  }, [isError]);
  useEffect(() => {
    if (lost) void refetch();
  }, [lost, refetch]);
  useEffect(() => {
    // A new answer, of a server that was lost before.
    if (isError || dataUpdatedAt === 0 || !useReachability.getState().lost) return;
    noteRecovered();
    void showRecent();
    void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== QUERY });
  }, [isError, dataUpdatedAt]);
  return !isError;
}

export function UnavailableBanner() {
  const stored = useDocument(({ fault }) => fault === null);
  return (
    <p
      role="alert"
      className="flex items-center justify-center gap-2 bg-ruby-soft px-4 py-1.5 text-[0.8125rem]
        text-ruby"
    >
      <CloudOff className="size-4 shrink-0" />
      Service unavailable. {stored && "Your drawing is saved."} Reconnecting…
    </p>
  );
}
