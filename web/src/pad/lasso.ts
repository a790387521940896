/** Which strokes a lasso selects, and the rectangle around them. */

import type { Drawing, Point, Stroke } from "./drawing";

type Place = readonly [number, number, ...unknown[]];

/** Whether a place is inside of a closed line, by the even-odd rule. */
export function isInside([x, y]: Place, border: readonly Place[]): boolean {
  let inside = false;
  border.forEach(([toX, toY], index) => {
    const [fromX, fromY] = border.at(index - 1) ?? [toX, toY];
    if (fromY > y === toY > y) return;
    if (x < fromX + ((y - fromY) / (toY - fromY)) * (toX - fromX)) inside = !inside;
  });
  return inside;
}

/** The places by which a stroke is selected: more than its points if these are only two ends. */
function placesOf({ points, shape }: Stroke): readonly Place[] {
  const [from, to] = [points[0], points.at(-1)];
  if (shape === undefined || shape === "area" || from === undefined || to === undefined)
    return points;
  if (shape === "line") {
    const middle: Place = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
    return [from, middle, to];
  }
  const [middleX, middleY] = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  return [
    [middleX, from[1]],
    [middleX, to[1]],
    [from[0], middleY],
    [to[0], middleY],
  ];
}

/** The strokes of a layer of which more than half is inside of the lasso. */
export function selectedBy(drawing: Drawing, layer: string, lasso: readonly Point[]): string[] {
  return drawing.strokes
    .filter((stroke) => stroke.layer === layer)
    .filter((stroke) => {
      const places = placesOf(stroke);
      return places.filter((place) => isInside(place, lasso)).length * 2 > places.length;
    })
    .map(({ id }) => id);
}

export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The rectangle around strokes; null for none. */
export function boundsOf(drawing: Drawing, selection: ReadonlySet<string>): Bounds | null {
  const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { id, points, size, shape } of drawing.strokes) {
    if (!selection.has(id)) continue;
    const around = shape === "area" ? 0 : size / 2;
    for (const [x, y] of points) {
      bounds.left = Math.min(bounds.left, x - around);
      bounds.top = Math.min(bounds.top, y - around);
      bounds.right = Math.max(bounds.right, x + around);
      bounds.bottom = Math.max(bounds.bottom, y + around);
    }
  }
  return bounds.left > bounds.right ? null : bounds;
}

export function isWithin([x, y]: Place, bounds: Bounds | null): boolean {
  if (bounds === null) return false;
  return x >= bounds.left && x <= bounds.right && y >= bounds.top && y <= bounds.bottom;
}
