/** Fills an area of the drawing with a colour. This is loaded with the first fill. */

import type { Drawing, Point, Stroke } from "./drawing";
import { bordersOf, flood, grown } from "./flood";
import { MASK } from "./layers";
import { layerPicture, visiblePicture } from "./paint";
import { MASK_COLOUR } from "./stripes";

type Filled = Pick<Stroke, "points" | "shape" | "breaks">;

/** The area around a place, as far as its colour goes in what is seen; null for none. */
export async function filledAt(
  drawing: Drawing,
  layer: string,
  [x, y]: Point,
): Promise<Filled | null> {
  const { canvas, context } = await visiblePicture(drawing, 1);
  if (layer === MASK) {
    const mask = drawing.strokes.filter((stroke) => stroke.layer === MASK);
    context.drawImage(layerPicture(drawing, mask, 1, MASK_COLOUR), 0, 0);
  }
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const borders = bordersOf(grown(flood(pixels, x, y)));
  const breaks: number[] = [];
  const points: Point[] = [];
  for (const border of borders) {
    if (points.length > 0) breaks.push(points.length);
    points.push(...border);
  }
  return points.length === 0 ? null : { points, shape: "area", breaks };
}
