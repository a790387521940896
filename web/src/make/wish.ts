/** The settings of the generation form, and the request that they become. */

import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import type { GenerateBody } from "@/api/client";
import { weightFields, type Query } from "@/find/fields";
import { fields, text } from "@/lib/json";
import { tabStorage } from "@/lib/tab-storage";
import { isEmpty, paperOf, ratioOf, type Drawing } from "@/pad/drawing";
import type { Reference } from "@/references/store";

export const MOST_STYLE_TAGS = 2;
export const MOST_PICTURES = 8;
export const RATIOS = ["1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16"] as const;

/** Long sides in pixels with which every ratio has a whole number of pixels. */
export const SIZES = [768, 1152, 1536] as const;

export interface Wish {
  prompt: string;
  negativePrompt: string;
  styleTags: readonly string[];
  count: number;
  /** As typed, or that of the last pictures. It is sent only if it is locked. */
  seed: string;
  /** Whether the next pictures have this seed. Otherwise each run has a new one. */
  seedLocked: boolean;
  ratio: string;
  /** The long side in pixels; 0 for the provider's own size. */
  size: number;
  useSketch: boolean;
  sketchWeight: number;
  useMask: boolean;
  /** Empty for the server's default. */
  provider: string;
  /** Whether the server refuses the request rather than approximate or drop an input. */
  strict: boolean;
  /** Whether the pictures are added to the gallery. */
  addToGallery: boolean;
  /** The name of a preset; empty for none. */
  preset: string;
}

export const INITIAL_WISH: Wish = {
  prompt: "",
  negativePrompt: "",
  styleTags: [],
  count: 2,
  seed: "",
  seedLocked: false,
  ratio: "1:1",
  size: 0,
  useSketch: true,
  sketchWeight: 0.8,
  useMask: true,
  provider: "",
  strict: false,
  addToGallery: false,
  preset: "",
};

interface WishState extends Wish {
  set: (part: Partial<Wish>) => void;
}

export const useWish = create<WishState>()(
  persist((set) => ({ ...INITIAL_WISH, set: (part) => set(part) }), {
    name: "clippy.wish",
    version: 2,
    storage: createJSONStorage(() => tabStorage),
    // A seed that was typed before there was a lock was sent.
    migrate: (stored) => {
      const seed = text(fields(stored)["seed"]) ?? "";
      return { ...fields(stored), seed, seedLocked: seed !== "" };
    },
  }),
);

/** The settings alone, without the store's function. */
export function wishOf(state: WishState): Wish {
  const { set, ...wish } = state;
  void set;
  return wish;
}

/** The selectable ratio of a paper, or null if its ratio is none of them. */
export function ratioNamed({ width, height }: { width: number; height: number }): string | null {
  const fits = (ratio: string) => {
    const [across, down] = ratioOf(ratio) ?? [0, 0];
    const paper = paperOf(across, down);
    return paper.width === width && paper.height === height;
  };
  return RATIOS.find(fits) ?? null;
}

/** The pictures of a request, as data URLs. */
export interface Pictures {
  sketch: string | null;
  base: string | null;
  mask: string | null;
}

/** Why the seed cannot be sent, or null. */
export function seedFault(seed: string): string | null {
  const typed = seed.trim();
  if (typed === "" || (/^\d+$/.test(typed) && Number.isSafeInteger(Number(typed)))) return null;
  return "A seed is a whole number, such as 42";
}

/** Why nothing can be generated yet, or null. */
export function missing(
  wish: Wish,
  references: readonly Reference[],
  { sketch, base }: Pictures,
): string | null {
  const fault = wish.seedLocked ? seedFault(wish.seed) : null;
  if (fault !== null) return fault;
  const some = wish.prompt.trim() !== "" || references.length > 0;
  if (some || sketch !== null || base !== null) return null;
  return "Write a prompt, draw, or add a reference first";
}

export function toggleStyle(tags: readonly string[], tag: string): string[] {
  if (tags.includes(tag)) return tags.filter((known) => known !== tag);
  return tags.length >= MOST_STYLE_TAGS ? [...tags] : [...tags, tag];
}

/** The tags with those of the gallery first, in the gallery's order. */
export function galleryFirst(tags: readonly string[], gallery: readonly string[]): string[] {
  const known = new Set(tags);
  const first = new Set(gallery.filter((tag) => known.has(tag)));
  return [...first, ...tags.filter((tag) => !first.has(tag))];
}

type ReferenceBody = NonNullable<GenerateBody["refs"]>[number];

/** Ids are sent as text, which the server accepts: JavaScript cannot represent every `u64`. */
export type WishBody = Omit<GenerateBody, "refs"> & {
  refs: (Omit<ReferenceBody, "id"> & { id?: string })[];
};

export function bodyOf(
  wish: Wish,
  references: readonly Reference[],
  pictures: Pictures,
  query: Query | null,
): WishBody {
  const body: WishBody = {
    count: wish.count,
    refs: references.map(referenceBody),
    style_tags: [...wish.styleTags],
    strict: wish.strict,
    ...pictureFields(wish, pictures),
  };
  if (wish.addToGallery) body.add_to_gallery = true;
  if (wish.prompt.trim() !== "") body.prompt = wish.prompt.trim();
  if (wish.negativePrompt.trim() !== "") body.negative_prompt = wish.negativePrompt.trim();
  if (wish.seedLocked && wish.seed.trim() !== "") body.seed = Number(wish.seed);
  if (wish.provider !== "") body.provider = wish.provider;
  const words = query?.text.trim() ?? "";
  if (query !== null && words !== "") body.query = { text: words, ...weightFields(query.weights) };
  return body;
}

/** The longest document of a drawing that the server takes. */
const LONGEST_DRAWING = 8 << 20;

/**
 * The request with the drawing as data, which the history returns, and with the picture that it
 * goes on from. The base is sent as a picture already.
 */
export function withDrawing(body: WishBody, drawing: Drawing): WishBody {
  const document = JSON.stringify({ ...drawing, base: null });
  const from = body.base == null ? undefined : drawing.base?.from;
  return {
    ...body,
    ...(isEmpty(drawing) || document.length > LONGEST_DRAWING ? {} : { drawing: document }),
    ...(from === undefined ? {} : { parent: from }),
  };
}

function referenceBody({ role, weight, source }: Reference): WishBody["refs"][number] {
  if (source.kind === "gallery") return { role, weight, id: source.id };
  return { role, weight, image_url: source.url };
}

/** The ratio as it is sent: with a size, both sides in pixels. */
export function sized(ratio: string, size: number): string {
  const [across, down] = ratioOf(ratio) ?? [1, 1];
  if (size === 0) return ratio;
  const scale = size / Math.max(across, down);
  return `${Math.round(across * scale)}:${Math.round(down * scale)}`;
}

/** The ratio and the size that were sent. */
export function unsized(sent: string | null | undefined): Pick<Wish, "ratio" | "size"> | null {
  for (const size of [0, ...SIZES]) {
    const ratio = RATIOS.find((known) => sized(known, size) === sent);
    if (ratio !== undefined) return { ratio, size };
  }
  return null;
}

/** A base has a ratio of its own, and a mask needs a base. */
function pictureFields(
  { ratio, size, sketchWeight }: Wish,
  { sketch, base, mask }: Pictures,
): Pick<GenerateBody, "sketch" | "sketch_weight" | "base" | "mask" | "aspect_ratio"> {
  return {
    ...(sketch === null ? {} : { sketch, sketch_weight: sketchWeight }),
    ...(base === null ? { aspect_ratio: sized(ratio, size) } : { base }),
    ...(base === null || mask === null ? {} : { mask }),
  };
}
