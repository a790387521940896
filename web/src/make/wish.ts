/** What is to be made, and how it is put to the server. */

import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import type { GenerateBody } from "@/api/client";
import type { Query } from "@/find/query";
import { tabStorage } from "@/lib/tab-storage";
import { paperOf, ratioOf } from "@/pad/drawing";
import type { Reference } from "@/tray/tray";

export const MOST_STYLE_TAGS = 2;
export const MOST_PICTURES = 8;
export const RATIOS = ["1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16"] as const;

export interface Wish {
  prompt: string;
  negativePrompt: string;
  styleTags: readonly string[];
  count: number;
  /** As typed; empty for any. */
  seed: string;
  ratio: string;
  useSketch: boolean;
  sketchWeight: number;
  useMask: boolean;
  /** Empty for the server's own choice. */
  provider: string;
  /** Refuse, rather than approximate or drop anything. */
  strict: boolean;
  /** Put the pictures into the gallery, too. */
  addToGallery: boolean;
}

export const FIRST_WISH: Wish = {
  prompt: "",
  negativePrompt: "",
  styleTags: [],
  count: 2,
  seed: "",
  ratio: "1:1",
  useSketch: true,
  sketchWeight: 0.8,
  useMask: true,
  provider: "",
  strict: false,
  addToGallery: false,
};

/** The ratio that a paper of this size has, when it is one that can be chosen. */
export function ratioNamed({ width, height }: { width: number; height: number }): string | null {
  return RATIOS.find((ratio) => {
    const [across, down] = ratioOf(ratio) ?? [0, 0];
    const paper = paperOf(across, down);
    return paper.width === width && paper.height === height;
  }) ?? null;
}

/** The pictures that go with a wish, as data URLs. */
export interface Pictures {
  sketch: string | null;
  base: string | null;
  mask: string | null;
}

/** Why the seed cannot be sent, or null. */
export function seedFault(seed: string): string | null {
  if (seed.trim() === "") return null;
  const value = Number(seed);
  return /^\d+$/.test(seed.trim()) && Number.isSafeInteger(value) ? null : "A seed is a whole number, such as 42";
}

/** Why nothing can be made yet, or null. */
export function lacks(wish: Wish, references: readonly Reference[], pictures: Pictures): string | null {
  if (seedFault(wish.seed) !== null) return seedFault(wish.seed);
  const some = wish.prompt.trim() !== "" || references.length > 0 || pictures.sketch !== null || pictures.base !== null;
  return some ? null : "Write a prompt, draw, or add a reference first";
}

export function toggledStyle(tags: readonly string[], tag: string): string[] {
  if (tags.includes(tag)) return tags.filter((known) => known !== tag);
  return tags.length >= MOST_STYLE_TAGS ? [...tags] : [...tags, tag];
}

type BodyReference = NonNullable<GenerateBody["refs"]>[number];

/** Ids go as text: they may be larger than JavaScript's numbers can tell apart, and the server takes both. */
type Sent = Omit<GenerateBody, "refs" | "strict"> & { refs: (Omit<BodyReference, "id"> & { id?: string })[]; strict: boolean };

export function bodyOf(wish: Wish, references: readonly Reference[], pictures: Pictures, query: Query | null): Sent {
  const body: Sent = {
    count: wish.count,
    refs: references.map(({ role, weight, source }) =>
      source.kind === "gallery" ? { role, weight, id: source.id } : { role, weight, image_url: source.url },
    ),
    style_tags: [...wish.styleTags],
    strict: wish.strict,
  };
  if (wish.addToGallery) body.add_to_gallery = true;
  if (wish.prompt.trim() !== "") body.prompt = wish.prompt.trim();
  if (wish.negativePrompt.trim() !== "") body.negative_prompt = wish.negativePrompt.trim();
  if (wish.seed.trim() !== "") body.seed = Number(wish.seed);
  if (wish.provider !== "") body.provider = wish.provider;
  if (pictures.sketch !== null) {
    body.sketch = pictures.sketch;
    body.sketch_weight = wish.sketchWeight;
  }
  if (pictures.base !== null) {
    body.base = pictures.base;
    if (pictures.mask !== null) body.mask = pictures.mask;
  } else {
    body.aspect_ratio = wish.ratio;
  }
  if (query !== null && query.text.trim() !== "") {
    body.query = { text: query.text.trim(), w_img: query.weights.image, w_edge: query.weights.edge, w_txt: query.weights.text };
  }
  return body;
}

interface WishState extends Wish {
  set: (part: Partial<Wish>) => void;
}

export const useWish = create<WishState>()(
  persist((set) => ({ ...FIRST_WISH, set: (part) => set(part) }), { name: "clippy.wish", version: 1, storage: createJSONStorage(() => tabStorage) }),
);

export function wishOf(state: WishState): Wish {
  const { prompt, negativePrompt, styleTags, count, seed, ratio, useSketch, sketchWeight, useMask, provider, strict, addToGallery } = state;
  return { prompt, negativePrompt, styleTags, count, seed, ratio, useSketch, sketchWeight, useMask, provider, strict, addToGallery };
}
