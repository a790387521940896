/** The outline of a stroke, for the screen and for pictures of the drawing. */

import { getStroke } from "perfect-freehand";

import type { Point, Stroke } from "./drawing";

export function outlineOf({
  points,
  size,
  pressure,
}: Pick<Stroke, "points" | "size" | "pressure">): number[][] {
  return getStroke(
    points.map(([x, y, force]) => [x, y, force]),
    {
      size,
      thinning: pressure ? 0.65 : 0,
      smoothing: 0.5,
      // A mouse is steady: more smoothing would round the corners of a drawing.
      streamline: pressure ? 0.35 : 0.2,
      simulatePressure: false,
    },
  );
}

/** SVG path data: curves through the midpoints of the outline. */
export function pathOf(stroke: Pick<Stroke, "points" | "size" | "pressure">): string {
  const outline = outlineOf(stroke);
  const [first] = outline;
  if (first === undefined) return "";
  const round = (value: number | undefined) => Math.round((value ?? 0) * 100) / 100;
  let path = `M ${round(first[0])} ${round(first[1])} Q`;
  outline.forEach(([x = 0, y = 0], index) => {
    const [nextX = x, nextY = y] = outline[(index + 1) % outline.length] ?? [];
    path += ` ${round(x)} ${round(y)} ${round((x + nextX) / 2)} ${round((y + nextY) / 2)}`;
  });
  return `${path} Z`;
}

/** Whether a point is far enough from the last one to be kept. */
export function isDistinct(points: readonly Point[], [x, y]: Point): boolean {
  const last = points.at(-1);
  return last === undefined || Math.hypot(x - last[0], y - last[1]) >= 0.8;
}
