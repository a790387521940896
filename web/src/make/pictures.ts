/** The pictures of a request, made from the drawing. */

import { hasInk, type Drawing } from "@/pad/drawing";
import { dataUrlOf, maskPicture, sketchPicture } from "@/pad/paint";

import type { Pictures, Wish } from "./wish";

/** One pixel. An estimate depends on which pictures there are, and not on their pixels. */
const PLACEHOLDER =
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
    base: drawing.base?.url ?? null,
    mask: mask === null ? null : await dataUrlOf(mask),
  };
}

/** Which pictures would be sent, without rendering them. */
export function placeholdersFor(drawing: Drawing, { useSketch, useMask }: Which): Pictures {
  const some = (is: boolean) => (is ? PLACEHOLDER : null);
  return {
    sketch: some(useSketch && hasInk(drawing, "line")),
    base: some(drawing.base !== null),
    mask: some(useMask && drawing.base !== null && hasInk(drawing, "mask")),
  };
}
