/** The state of the search form, and the changes that views make to it. */

import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import type { PerSpace } from "@/api/results";
import { isFields } from "@/lib/json";
import { tabStorage } from "@/lib/tab-storage";

import { INITIAL, type GalleryStyle, type Liked, type Query, type TagFilter } from "./fields";
import { knownWithin } from "./within";

interface QueryState extends Query {
  set: (part: Partial<Query>) => void;
}

function withDefaults(state: unknown): Partial<QueryState> {
  const known = isFields(state) ? (state as Partial<Query>) : {};
  return { ...known, weights: { ...INITIAL.weights, ...known.weights } };
}

export const useQueryState = create<QueryState>()(
  persist((set) => ({ ...INITIAL, set: (part) => set(part) }), {
    name: "clippy.query",
    version: 2,
    // Version 1 had no styles.
    migrate: (state) => withDefaults(state),
    merge: (stored, current) => {
      const known = isFields(stored) ? (stored as Partial<Query>) : {};
      return { ...current, ...known, within: knownWithin(known.within) };
    },
    storage: createJSONStorage(() => tabStorage),
  }),
);

export interface Preset {
  name: string;
  title: string;
  explains: string;
  weights: PerSpace<number>;
}

export const PRESETS: readonly Preset[] = [
  {
    name: "balanced",
    title: "Balanced",
    explains: "Look first, then shape, then words",
    weights: INITIAL.weights,
  },
  {
    name: "shape",
    title: "Shape",
    explains: "Same outline and pose",
    weights: { ...INITIAL.weights, image: 0.25, edge: 0.8, text: 0.1 },
  },
  {
    name: "look",
    title: "Look",
    explains: "Same colours and rendering",
    weights: { ...INITIAL.weights, image: 0.9, edge: 0.05, text: 0.05 },
  },
  {
    name: "meaning",
    title: "Meaning",
    explains: "Same tags",
    weights: { ...INITIAL.weights, image: 0.25, edge: 0.05, text: 0.9 },
  },
];

export function presetOf(weights: PerSpace<number>): Preset | null {
  const near = (left: number, right: number) => Math.abs(left - right) < 0.005;
  const isSame = (known: PerSpace<number>) =>
    near(known.image, weights.image) &&
    near(known.edge, weights.edge) &&
    near(known.text, weights.text) &&
    near(known.style, weights.style);
  return PRESETS.find((preset) => isSame(preset.weights)) ?? null;
}

/** Cycles a tag from required to excluded to no filter. */
export function cycleFilter(filters: readonly TagFilter[], tag: string): TagFilter[] {
  const found = filters.find((filter) => filter.tag === tag);
  if (found === undefined) return [...filters, { tag, excluded: false }];
  if (found.excluded) return withoutFilter(filters, tag);
  return filters.map((filter) => (filter.tag === tag ? { ...filter, excluded: true } : filter));
}

export function withoutFilter(filters: readonly TagFilter[], tag: string): TagFilter[] {
  return filters.filter((filter) => filter.tag !== tag);
}

/** Adds a style of which results may be, or removes it if it is a filter. */
export function toggleStyle(filters: readonly TagFilter[], tag: string): TagFilter[] {
  const known = filters.some((filter) => filter.tag === tag);
  if (known) return withoutFilter(filters, tag);
  return [...filters, { tag, excluded: false, style: true }];
}

/** The server's limit of pictures that one search may be like. */
const MOST_LIKES = 16;

/** Adds a picture, or removes it if it is listed. Over the limit, the oldest ones are removed. */
export function toggleLike(likes: readonly Liked[], { id, title }: Liked): Liked[] {
  if (likes.some((like) => like.id === id)) return likes.filter((like) => like.id !== id);
  return [...likes, { id, title }].slice(-MOST_LIKES);
}

/** Adds a picture, unless it is listed. */
export function withLike(likes: readonly Liked[], picture: Liked): Liked[] {
  const listed = likes.some(({ id }) => id === picture.id);
  return listed ? [...likes] : toggleLike(likes, picture);
}

/** Adds a style of the gallery, or removes it if it is listed. */
export function toggleGroup(
  groups: readonly GalleryStyle[],
  { id, name }: GalleryStyle,
): GalleryStyle[] {
  if (groups.some((group) => group.id === id)) return groups.filter((group) => group.id !== id);
  return [...groups, { id, name }].slice(-MOST_LIKES);
}
