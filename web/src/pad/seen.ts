/** What can be seen of a drawing. Searches and generations use this, and nothing that is hidden. */

import type { Base, Drawing, Stroke } from "./drawing";
import { isVisible, MASK, seenLines } from "./layers";

/** The base, unless its layer is hidden. */
export function seenBase({ base, layers }: Drawing): Base | null {
  return layers.some((layer) => layer.kind === "base" && isVisible(layer)) ? base : null;
}

/** The layers with lines that can be seen, each with its strokes. */
export function seenLayers(drawing: Drawing): { opacity: number; id: string; strokes: Stroke[] }[] {
  return seenLines(drawing.layers, drawing.base !== null).map(({ id, opacity }) => ({
    id,
    opacity,
    strokes: drawing.strokes.filter((stroke) => stroke.layer === id),
  }));
}

/** Whether there are visible lines, or a mask. An eraser alone is none. */
export function hasInk(drawing: Drawing, part: "line" | "mask"): boolean {
  const strokes =
    part === "mask"
      ? drawing.strokes.filter(({ layer }) => layer === MASK)
      : seenLayers(drawing).flatMap((layer) => layer.strokes);
  return strokes.some(({ erases }) => !erases);
}
