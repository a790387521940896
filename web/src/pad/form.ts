/** The form of any stroke as SVG path data, for the screen and for pictures of the drawing. */

import type { Stroke } from "./drawing";
import { pathOf } from "./outline";

export interface Form {
  path: string;
  /** The width of a line along the path; null if the path is filled. */
  width: number | null;
}

export type Formed = Pick<Stroke, "points" | "size" | "pressure" | "shape" | "breaks">;

const round = (value: number) => Math.round(value * 100) / 100;

export function formOf(stroke: Formed): Form {
  const { shape, points, size } = stroke;
  if (shape === undefined) return { path: pathOf(stroke), width: null };
  if (shape === "area") return { path: areaPath(stroke), width: null };
  const [[fromX, fromY] = [0, 0], [toX, toY] = [0, 0]] = [points[0], points.at(-1)];
  const [left, right] = [Math.min(fromX, toX), Math.max(fromX, toX)].map(round) as [number, number];
  const [top, bottom] = [Math.min(fromY, toY), Math.max(fromY, toY)].map(round) as [number, number];
  if (shape === "line") {
    const path = `M ${round(fromX)} ${round(fromY)} L ${round(toX)} ${round(toY)}`;
    return { path, width: size };
  }
  if (shape === "rectangle") {
    const path = `M ${left} ${top} L ${right} ${top} L ${right} ${bottom} L ${left} ${bottom} Z`;
    return { path, width: size };
  }
  const arc = `A ${round((right - left) / 2)} ${round((bottom - top) / 2)} 0 0 1`;
  const middle = round((top + bottom) / 2);
  const path = `M ${left} ${middle} ${arc} ${right} ${middle} ${arc} ${left} ${middle} Z`;
  return { path, width: size };
}

/** The borders of an area. Those of holes run the other way round, so that holes are not filled. */
function areaPath({ points, breaks = [] }: Formed): string {
  const starts = [0, ...breaks, points.length];
  return starts
    .slice(0, -1)
    .map((start, index) => points.slice(start, starts[index + 1]))
    .filter((border) => border.length > 2)
    .map((border) => `M ${border.map(([x, y]) => `${round(x)} ${round(y)}`).join(" L ")} Z`)
    .join(" ");
}

/** Fills or draws a form on a canvas, in the colour that is set for both. */
export function paintForm(context: CanvasRenderingContext2D, { path, width }: Form): void {
  if (width === null) {
    context.fill(new Path2D(path));
    return;
  }
  context.lineWidth = width;
  context.lineJoin = "round";
  context.lineCap = "round";
  context.stroke(new Path2D(path));
}

/** The other end of a shape while Shift is held: a square, a circle, or a line in steps of 45°. */
export function regularEnd(
  shape: TwoEnded,
  [fromX, fromY]: readonly [number, number],
  [toX, toY]: readonly [number, number],
): [number, number] {
  const [right, down] = [toX - fromX, toY - fromY];
  if (shape === "line") {
    const step = Math.PI / 4;
    const angle = Math.round(Math.atan2(down, right) / step) * step;
    const length = Math.hypot(right, down);
    return [fromX + Math.cos(angle) * length, fromY + Math.sin(angle) * length];
  }
  const side = Math.max(Math.abs(right), Math.abs(down));
  return [fromX + side * Math.sign(right || 1), fromY + side * Math.sign(down || 1)];
}

/** The shapes that are drawn from one end to the other. */
export type TwoEnded = "line" | "rectangle" | "ellipse";
