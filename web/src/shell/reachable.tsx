import { useQuery } from "@tanstack/react-query";
import { CloudOff } from "lucide-react";
import { useEffect, useRef } from "react";

import { request } from "@/api/client";
import { queryClient } from "@/api/query-client";
import { showRecent } from "@/jobs/store";
import { at } from "@/lib/address";

const QUERY = "livez";

/**
 * Whether the server answers. It is asked regularly, and more often while it does not answer. All
 * other queries are repeated when it answers again.
 */
export function useReachable(): boolean {
  const { isError, isSuccess } = useQuery({
    queryKey: [QUERY],
    queryFn: async () => {
      await request(new Request(at("/livez"), { cache: "no-store" }));
      return true;
    },
    retry: 1,
    refetchInterval: ({ state }) => (state.status === "error" ? 2000 : 10_000),
  });
  const failed = useRef(false);
  useEffect(() => {
    if (isError) failed.current = true;
    if (!isSuccess || !failed.current) return;
    failed.current = false;
    void showRecent();
    void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== QUERY });
  }, [isError, isSuccess]);
  return !isError;
}

export function UnavailableBanner() {
  return (
    <p
      role="alert"
      className="flex items-center justify-center gap-2 bg-ruby-soft px-4 py-1.5 text-[0.8125rem]
        text-ruby"
    >
      <CloudOff className="size-4 shrink-0" />
      Service unavailable. Your drawing is saved. Reconnecting…
    </p>
  );
}
