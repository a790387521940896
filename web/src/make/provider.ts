import type { Provider } from "@/api/providers";
import { useProviders } from "@/api/queries";

import { useWish } from "./wish";

/** The provider that is chosen, or the server's own choice. */
export function useProvider(): Provider | null {
  const { data } = useProviders();
  const chosen = useWish((wish) => wish.provider);
  if (data === undefined) return null;
  return data.providers.find(({ name }) => name === (chosen || data.default)) ?? data.providers[0] ?? null;
}
