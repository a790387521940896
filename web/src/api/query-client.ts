import { QueryClient } from "@tanstack/react-query";

import { worthRetrying } from "./problem";

/** Answers that are kept for the views. A server on this machine is there without a network, so calls are always made. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always",
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && worthRetrying(error),
      retryDelay: (attempt) => Math.min(4000, 400 * 2 ** attempt),
    },
    mutations: { networkMode: "always" },
  },
});
