/** The places of the pictures, as the server tells them. */

import type { Schemas } from "@/api/client";

export const SPACES = ["image", "style"] as const;
export type MapSpace = (typeof SPACES)[number];

/** What lies near each other on each map. */
export const NEIGHBOURS: Record<MapSpace, { name: string; pictures: string }> = {
  image: { name: "Look", pictures: "pictures that look alike" },
  style: { name: "Style", pictures: "pictures of the same style" },
};

/** The group of a picture that belongs to none. */
export const NO_GROUP = -1;

export interface GalleryMap {
  /** When it was made, in seconds since 1970. */
  made: number;
  /** Pictures of the collection that are not on it. */
  unplaced: number;
  ids: readonly string[];
  x: Float32Array;
  y: Float32Array;
  /** Indices of `groups`, or `NO_GROUP`. */
  group: Int16Array;
  groups: readonly string[];
}

/** The map of an answer's text. */
export function mapOf(json: string): GalleryMap {
  const answer = JSON.parse(json) as Schemas["MapResponse"];
  return {
    made: answer.made,
    unplaced: answer.unplaced,
    ids: idsOf(json),
    x: Float32Array.from(answer.x),
    y: Float32Array.from(answer.y),
    group: Int16Array.from(answer.group, (index) => index ?? NO_GROUP),
    groups: answer.groups,
  };
}

/** The ids as they are written: a `u64` may be larger than JavaScript's integers. */
function idsOf(json: string): string[] {
  const listed = /"ids"\s*:\s*\[([^\]]*)\]/.exec(json)?.[1]?.trim() ?? "";
  if (listed === "") return [];
  return listed.split(",").map((id) => id.trim().replaceAll('"', ""));
}

/** How many groups have pictures on the map. */
export function groupsOn({ group }: Pick<GalleryMap, "group">): number {
  const known = new Set(group);
  known.delete(NO_GROUP);
  return known.size;
}

export interface GroupCount {
  /** Its index, or `NO_GROUP`. */
  group: number;
  count: number;
}

/** How many of some pictures each group has, the largest group first. */
export function countGroups({ group }: Pick<GalleryMap, "group">, some: Indices): GroupCount[] {
  const counts = new Map<number, number>();
  for (const index of some) {
    const of = group[index] ?? NO_GROUP;
    counts.set(of, (counts.get(of) ?? 0) + 1);
  }
  return [...counts]
    .map(([of, count]) => ({ group: of, count }))
    .sort((left, right) => right.count - left.count || left.group - right.group);
}

/** Pictures by their positions in the lists of a map. */
export type Indices = readonly number[];
