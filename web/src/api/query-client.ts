import { QueryClient } from "@tanstack/react-query";

import { isTransient } from "./problem";

/**
 * The cache of answers. A server on the same machine can be reached without a network, so calls
 * are made even when the browser is offline.
 */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always",
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && isTransient(error),
      retryDelay: (attempt) => Math.min(4000, 400 * 2 ** attempt),
    },
    mutations: { networkMode: "always" },
  },
});
