import { useQuery } from "@tanstack/react-query";
import { CloudOff } from "lucide-react";
import { useEffect, useRef } from "react";

import { request } from "@/api/client";
import { queryClient } from "@/api/query-client";
import { showRecent } from "@/jobs/store";
import { at } from "@/lib/address";

/** Asks now and then whether the server is there, more often while it is not; and asks everything again when it is back. */
export function useReachable(): boolean {
  const { isError, isSuccess } = useQuery({
    queryKey: ["livez"],
    queryFn: async () => {
      await request(new Request(at("/livez"), { cache: "no-store" }));
      return true;
    },
    retry: 1,
    refetchInterval: ({ state }) => (state.status === "error" ? 2000 : 10_000),
  });
  const was = useRef(false);
  useEffect(() => {
    if (isError) was.current = true;
    else if (isSuccess && was.current) {
      was.current = false;
      void showRecent();
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "livez" });
    }
  }, [isError, isSuccess]);
  return !isError;
}

export function AwayBanner() {
  return (
    <p role="alert" className="flex items-center justify-center gap-2 bg-ruby-soft px-4 py-1.5 text-[0.8125rem] text-ruby">
      <CloudOff className="size-4 shrink-0" />
      The server cannot be reached. Your drawing is kept; trying again…
    </p>
  );
}
