/** Calls about generated pictures. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { api, body, type Schemas } from "@/api/client";
import { queryClient } from "@/api/query-client";

export type Entry = Schemas["HistoryEntryResponse"];
export type Details = Schemas["HistoryDetailsResponse"];
export type EntryPicture = Schemas["HistoryPictureResponse"];
export type Usage = Schemas["HistoryUsageResponse"];

const PAGE = 24;

/** What is looked for. Empty texts mean anything. */
export interface Search {
  words: string;
  style: string;
  /** Dates as `2026-01-31`, of this machine's time zone. */
  from: string;
  to: string;
  favourites: boolean;
  /** A picture of the gallery by its id. */
  reference: string;
}

export const ANYTHING: Search = {
  words: "",
  style: "",
  from: "",
  to: "",
  favourites: false,
  reference: "",
};

export function isNarrowed(search: Search): boolean {
  return JSON.stringify(search) !== JSON.stringify(ANYTHING);
}

/** The beginning of a day in UTC, or null if it is no date. */
export function startOf(date: string, later = 0): string | null {
  const [, year, month, day] = date.match(/^(\d{4})-(\d\d)-(\d\d)$/) ?? [];
  if (year === undefined) return null;
  const at = new Date(Number(year), Number(month) - 1, Number(day) + later);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/** The fields of the request for a search. */
export function queryOf({ words, style, from, to, favourites, reference }: Search) {
  const [start, end] = [startOf(from), startOf(to, 1)];
  return {
    limit: PAGE,
    ...(words.trim() === "" ? {} : { q: words.trim() }),
    ...(style === "" ? {} : { style }),
    ...(start === null ? {} : { from: start }),
    ...(end === null ? {} : { to: end }),
    ...(favourites ? { favourite: true } : {}),
    ...(reference === "" ? {} : { ref: reference }),
  };
}

/** Generated pictures by run, the newest first. A chain of edits is one of them. */
export function useEntries(search: Search) {
  return useInfiniteQuery({
    queryKey: ["history", "list", search],
    queryFn: async ({ pageParam, signal }) => {
      const query = {
        ...queryOf(search),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return body(await api.GET("/api/history", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor ?? null,
    placeholderData: (before) => before,
  });
}

/** All steps of a chain, the newest first. */
export function useChain(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ["history", "chain", id],
    queryFn: async ({ signal }) => {
      const query = { chain: id, limit: 100 };
      return body(await api.GET("/api/history", { params: { query }, signal })).entries;
    },
    enabled,
  });
}

export async function fetchDetails(id: string): Promise<Details> {
  return body(await api.GET("/api/history/{id}", { params: { path: { id } } }));
}

export function useDetails(id: string) {
  return useQuery({ queryKey: ["history", "entry", id], queryFn: () => fetchDetails(id) });
}

export async function setFavourite(id: string, picture: number, favourite: boolean) {
  const call = { params: { path: { id } }, body: { favourite, picture } };
  body(await api.PATCH("/api/history/{id}", call));
  await refreshHistory();
}

/** Deletes a picture, or a whole entry for null. */
export async function deleteEntry(id: string, picture: number | null): Promise<void> {
  const query = picture === null ? {} : { picture };
  await api.DELETE("/api/history/{id}", { params: { path: { id }, query } });
  await refreshHistory();
}

export function refreshHistory(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: ["history"] });
}
