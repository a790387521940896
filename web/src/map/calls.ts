/** The calls for the map and its pictures. */

import { useQuery } from "@tanstack/react-query";

import { api, body, type Job } from "@/api/client";
import { pictureOf, type Picture } from "@/api/pictures";
import { isNotFound } from "@/api/problem";
import { queryClient } from "@/api/query-client";
import { useSession } from "@/state/session";

import { mapOf, type GalleryMap, type MapSpace } from "./places";

const FRESH = 30_000;

/** The map; null if none was made yet. */
export function useGalleryMap(space: MapSpace) {
  const key = useSession((session) => session.key);
  return useQuery({
    queryKey: ["map", space, key],
    queryFn: async ({ signal }): Promise<GalleryMap | null> => {
      try {
        const params = { query: { space } };
        return mapOf(body(await api.GET("/api/map", { params, parseAs: "text", signal })));
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    },
    staleTime: FRESH,
    // Comparing all of its members would take longer than showing it anew.
    structuralSharing: (before, after) => (isSame(before, after) ? before : after),
  });
}

function isSame(before: unknown, after: unknown): boolean {
  const [old, next] = [before, after] as (GalleryMap | null | undefined)[];
  if (old == null || next == null) return false;
  const alike = old.made === next.made && old.unplaced === next.unplaced;
  return alike && old.ids.length === next.ids.length && old.groups.join() === next.groups.join();
}

export function refreshMap(): void {
  void queryClient.invalidateQueries({ queryKey: ["map"] });
}

/** Starts to make a map. The key prevents a double click from starting it twice. */
export async function makeMap(space: MapSpace, idempotencyKey: string): Promise<Job> {
  const params = { header: { "Idempotency-Key": idempotencyKey } };
  return body(await api.POST("/api/admin/map", { params, body: { space } }));
}

function pictureQuery(id: string) {
  return {
    queryKey: ["picture", id, "on the map"],
    queryFn: async (): Promise<Picture> => {
      const answer = await api.GET("/api/pictures/{id}", { params: { path: { id } } });
      const { state, payload } = body(answer);
      if (state !== "in_gallery") throw new Error("This picture is not in the gallery any more.");
      return pictureOf(id, payload);
    },
    staleTime: FRESH,
  };
}

export function useMapPicture(id: string, enabled: boolean) {
  return useQuery({ ...pictureQuery(id), enabled });
}

export function fetchMapPicture(id: string): Promise<Picture> {
  // Its tags may be edited there, so older ones must not be shown.
  return queryClient.fetchQuery({ ...pictureQuery(id), staleTime: 0 });
}
