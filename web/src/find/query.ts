/** What is looked for, as the artist set it. */

import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import type { Features } from "@/api/features";
import type { PerSpace, Picture } from "@/api/pictures";
import { tabStorage } from "@/lib/tab-storage";

export interface TagFilter {
  tag: string;
  /** Whether pictures with it are left out. */
  excluded: boolean;
}

/** A picture to be like: enough of it to be shown after a reload. */
export type Liked = Pick<Picture, "id" | "title">;

export interface Query {
  text: string;
  negativeText: string;
  weights: PerSpace<number>;
  /** Whether the drawing takes part. */
  useSketch: boolean;
  likes: readonly Liked[];
  filters: readonly TagFilter[];
  tagMode: "any" | "all";
  /** The gallery's own pictures, those made here and added to it, or both. */
  origin: "gallery" | "generated" | "any";
  personalise: boolean;
  /** Whether a drawing alone may be taken for several things; else the order is by likeness alone. */
  severalGuesses: boolean;
  diversity: number;
  minPercentile: number;
}

export interface Preset {
  name: string;
  title: string;
  explains: string;
  weights: PerSpace<number>;
}

export const PRESETS: readonly Preset[] = [
  { name: "balanced", title: "Balanced", explains: "Look first, then shape, then words", weights: { image: 0.7, edge: 0.3, text: 0.2 } },
  { name: "shape", title: "Shape", explains: "What has the same outline and pose", weights: { image: 0.25, edge: 0.8, text: 0.1 } },
  { name: "look", title: "Look", explains: "What has the same colours and rendering", weights: { image: 0.9, edge: 0.05, text: 0.05 } },
  { name: "meaning", title: "Meaning", explains: "What is tagged with the same things", weights: { image: 0.25, edge: 0.05, text: 0.9 } },
];

export const START: Query = {
  text: "",
  negativeText: "",
  weights: { image: 0.7, edge: 0.3, text: 0.2 },
  useSketch: true,
  likes: [],
  filters: [],
  tagMode: "any",
  origin: "gallery",
  personalise: true,
  severalGuesses: true,
  diversity: 0,
  minPercentile: 0,
};

export const PAGE = 36;

export function presetOf(weights: PerSpace<number>): Preset | null {
  const near = (left: number, right: number) => Math.abs(left - right) < 0.005;
  return (
    PRESETS.find(
      (preset) =>
        near(preset.weights.image, weights.image) && near(preset.weights.edge, weights.edge) && near(preset.weights.text, weights.text),
    ) ?? null
  );
}

/** Whether there is anything to look for. */
export function asks(query: Query, sketched: boolean): boolean {
  return query.text.trim() !== "" || query.likes.length > 0 || (query.useSketch && sketched);
}

/** The form's fields, without the sketch. What the server does not know is left out. */
export function formOf(query: Query, artist: string, features: Features, cursor: string | null): Map<string, string> {
  const form = new Map<string, string>();
  const put = (name: string, value: string) => value !== "" && form.set(name, value);
  put("query_text", query.text.trim());
  if (features.negativeText) put("negative_text", query.negativeText.trim());
  form.set("w_img", String(query.weights.image));
  form.set("w_edge", String(query.weights.edge));
  form.set("w_txt", String(query.weights.text));
  form.set("top", String(PAGE));
  put("like", query.likes.map(({ id }) => id).join(","));
  put("tag_filters", tags(query, false));
  put("exclude_tags", tags(query, true));
  if (query.filters.some(({ excluded }) => !excluded)) form.set("tag_mode", query.tagMode);
  if (features.madePictures && query.origin !== "gallery") form.set("origin", query.origin);
  form.set("user_id", artist);
  form.set("personalize", String(query.personalise));
  // A server that is told no diversity shows several guesses at a drawing.
  if (features.diversity && (query.diversity > 0 || !query.severalGuesses)) form.set("diversity", String(query.diversity));
  if (features.minPercentile && query.minPercentile > 0) form.set("min_percentile", String(query.minPercentile));
  if (features.facetsOfResults) form.set("facets", "true");
  put("cursor", cursor ?? "");
  return form;
}

function tags(query: Query, excluded: boolean): string {
  return query.filters
    .filter((filter) => filter.excluded === excluded)
    .map(({ tag }) => tag)
    .join(",");
}

/** A tag is wanted, then unwanted, then no filter any more. */
export function cycled(filters: readonly TagFilter[], tag: string): TagFilter[] {
  const found = filters.find((filter) => filter.tag === tag);
  if (found === undefined) return [...filters, { tag, excluded: false }];
  if (!found.excluded) return filters.map((filter) => (filter.tag === tag ? { tag, excluded: true } : filter));
  return without(filters, tag);
}

export function without(filters: readonly TagFilter[], tag: string): TagFilter[] {
  return filters.filter((filter) => filter.tag !== tag);
}

export function toggled(filters: readonly TagFilter[], tag: string): TagFilter[] {
  return filters.some((filter) => filter.tag === tag) ? without(filters, tag) : [...filters, { tag, excluded: false }];
}

/** Most pictures that one search may be like. */
const MOST_LIKES = 16;

export function liking(likes: readonly Liked[], liked: Liked, several: boolean): Liked[] {
  if (likes.some(({ id }) => id === liked.id)) return likes.filter(({ id }) => id !== liked.id);
  return several ? [...likes, liked].slice(-MOST_LIKES) : [liked];
}

interface QueryState extends Query {
  set: (part: Partial<Query>) => void;
  reset: () => void;
}

export const useQueryState = create<QueryState>()(
  persist(
    (set) => ({ ...START, set: (part) => set(part), reset: () => set(START) }),
    { name: "clippy.query", version: 1, storage: createJSONStorage(() => tabStorage) },
  ),
);

export function queryOf(state: Query): Query {
  const { text, negativeText, weights, useSketch, likes, filters, tagMode, origin, personalise, severalGuesses, diversity, minPercentile } = state;
  return { text, negativeText, weights, useSketch, likes, filters, tagMode, origin, personalise, severalGuesses, diversity, minPercentile };
}
