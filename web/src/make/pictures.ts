/** The pictures of a request, made from the drawing. */

import type { Drawing } from "@/pad/drawing";
import { dataUrlOf } from "@/pad/files";
import { maskPicture, sketchPicture } from "@/pad/paint";
import { hasInk, seenBase } from "@/pad/seen";

import type { Pictures, Wish } from "./wish";

/** One pixel. An estimate depends on which pictures there are, and only on the base's size. */
export const PLACEHOLDER =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAE" +
  "hQGAhKmMIQAAAABJRU5ErkJggg==";

type Which = Pick<Wish, "useSketch" | "useMask">;

export async function picturesFor(
  drawing: Drawing,
  { useSketch, useMask }: Which,
): Promise<Pictures> {
  const sketch = useSketch ? await sketchPicture(drawing) : null;
  const mask = useMask ? await maskPicture(drawing) : null;
  return {
    sketch: sketch === null ? null : await dataUrlOf(sketch),
    base: seenBase(drawing)?.url ?? null,
    mask: mask === null ? null : await dataUrlOf(mask),
  };
}

let blank: { width: number; height: number; url: string } | null = null;

/** A blank picture of the size of a base: an edit has its base's size. */
function blankLike(base: { width: number; height: number } | null): string | null {
  if (base === null) return null;
  const { width, height } = base;
  if (blank?.width !== width || blank.height !== height) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    blank = { width, height, url: canvas.toDataURL("image/png") };
  }
  return blank.url;
}

/** Which pictures would be sent, without rendering them. */
export function placeholdersFor(drawing: Drawing, { useSketch, useMask }: Which): Pictures {
  const some = (is: boolean) => (is ? PLACEHOLDER : null);
  return {
    sketch: some(useSketch && hasInk(drawing, "line")),
    base: blankLike(seenBase(drawing)),
    mask: some(useMask && seenBase(drawing) !== null && hasInk(drawing, "mask")),
  };
}
