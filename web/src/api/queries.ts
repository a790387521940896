/** What views ask the server for, with how long an answer is good. */

import { useQuery } from "@tanstack/react-query";

import { at } from "@/lib/address";

import { api, body, request } from "./client";
import { featuresOf, NO_FEATURES, type Features } from "./features";
import { facetValues, type FacetValue } from "./pictures";
import { providerOf, type Provider } from "./providers";

const LONG = 5 * 60_000;

export function useFeatures(): { features: Features; known: boolean } {
  const { data, isSuccess } = useQuery({
    queryKey: ["openapi"],
    queryFn: async () => {
      const response = await request(new Request(at("/api/openapi.json")));
      return featuresOf(await response.json());
    },
    staleTime: LONG,
  });
  return { features: data ?? NO_FEATURES, known: isSuccess };
}

export function useFacet(field: "matched_tags" | "tags_all" | "rating" | "style", limit: number, enabled = true) {
  return useQuery({
    queryKey: ["facets", field, limit],
    queryFn: async (): Promise<FacetValue[]> => facetValues(body(await api.GET("/api/facets", { params: { query: { field, limit } } })).values),
    staleTime: LONG,
    enabled,
  });
}

export interface Providers {
  default: string;
  providers: Provider[];
}

export function useProviders() {
  return useQuery({
    queryKey: ["providers"],
    queryFn: async (): Promise<Providers> => {
      const answer = body(await api.GET("/api/providers"));
      return { default: answer.default, providers: answer.providers.map(providerOf) };
    },
    staleTime: LONG,
    // What stands in the way of one may be mended meanwhile.
    refetchInterval: ({ state }) => (state.data?.providers.some(({ troubles }) => troubles.length > 0) === true ? 60_000 : false),
  });
}

export function useModel() {
  return useQuery({ queryKey: ["model"], queryFn: async () => body(await api.GET("/api/model")), staleTime: LONG });
}
