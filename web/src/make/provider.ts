import type { Provider } from "@/api/client";
import { useProviders } from "@/api/queries";

import { useWish } from "./wish";

/** The selected provider, or the server's default. Null while unknown, and if there is none. */
export function useProvider(): Provider | null {
  const { data } = useProviders();
  const chosen = useWish((wish) => wish.provider);
  if (data === undefined) return null;
  const wanted = chosen || data.default;
  return data.providers.find(({ provider }) => provider === wanted) ?? data.providers[0] ?? null;
}
