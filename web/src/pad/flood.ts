/** Finds the area of one colour around a place of a picture, and its borders. */

import type { Point } from "./drawing";

/** Pixels that are in the area are 1. */
export interface Area {
  width: number;
  height: number;
  pixels: Uint8Array;
}

type Pixels = Pick<ImageData, "width" | "height" | "data">;

/** How far a channel may be from the colour of the place. Lines have soft edges. */
const TOLERANCE = 48;

/** The connected pixels with about the colour of the one at (x, y). */
export function flood({ width, height, data }: Pixels, x: number, y: number): Area {
  const pixels = new Uint8Array(width * height);
  const [startX, startY] = [Math.floor(x), Math.floor(y)];
  if (startX < 0 || startY < 0 || startX >= width || startY >= height)
    return { width, height, pixels };
  const start = startY * width + startX;
  const colour = data.slice(start * 4, start * 4 + 3);
  const alike = (pixel: number) =>
    colour.every((value, channel) => {
      const other = data[pixel * 4 + channel] ?? 0;
      return Math.abs(other - value) <= TOLERANCE;
    });
  const open = [start];
  pixels[start] = 1;
  const visit = (pixel: number) => {
    if (pixels[pixel] !== 0 || !alike(pixel)) return;
    pixels[pixel] = 1;
    open.push(pixel);
  };
  for (let pixel = open.pop(); pixel !== undefined; pixel = open.pop()) {
    const column = pixel % width;
    if (column > 0) visit(pixel - 1);
    if (column < width - 1) visit(pixel + 1);
    if (pixel >= width) visit(pixel - width);
    if (pixel < width * (height - 1)) visit(pixel + width);
  }
  return { width, height, pixels };
}

/** The area with one more pixel on each side, so that it reaches below the soft edges of lines. */
export function grown({ width, height, pixels }: Area): Area {
  const next = pixels.slice();
  for (let pixel = 0; pixel < pixels.length; pixel += 1) {
    if (pixels[pixel] === 0) continue;
    const column = pixel % width;
    if (column > 0) next[pixel - 1] = 1;
    if (column < width - 1) next[pixel + 1] = 1;
    if (pixel >= width) next[pixel - width] = 1;
    if (pixel < width * (height - 1)) next[pixel + width] = 1;
  }
  return { width, height, pixels: next };
}

/**
 * The borders of an area, along the edges of its pixels: clockwise around the area, and the other
 * way round around its holes.
 */
export function bordersOf({ width, height, pixels }: Area): Point[][] {
  const across = width + 1;
  const is = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] === 1;
  // From each corner to the next ones. Two areas that touch at a corner have two edges there.
  const edges = new Map<number, number[]>();
  const add = (fromX: number, fromY: number, toX: number, toY: number) => {
    const from = fromY * across + fromX;
    const others = edges.get(from);
    if (others === undefined) edges.set(from, [toY * across + toX]);
    else others.push(toY * across + toX);
  };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!is(x, y)) continue;
      if (!is(x, y - 1)) add(x, y, x + 1, y);
      if (!is(x + 1, y)) add(x + 1, y, x + 1, y + 1);
      if (!is(x, y + 1)) add(x + 1, y + 1, x, y + 1);
      if (!is(x - 1, y)) add(x, y + 1, x, y);
    }
  }
  const borders: Point[][] = [];
  for (const [start, nexts] of edges) {
    while (nexts.length > 0) {
      const border: Point[] = [];
      let corner = start;
      for (let next = nexts.pop(); next !== undefined; next = edges.get(corner)?.pop()) {
        border.push([corner % across, Math.floor(corner / across), 0.5]);
        corner = next;
        if (corner === start) break;
      }
      borders.push(simplified(border));
    }
  }
  return borders.filter((border) => border.length > 2);
}

/** How far a border may be from the pixels. This makes steps of pixels into straight lines. */
const TOLERATED = 0.75;

/** Leaves out the points that are close to the line between their neighbours (Douglas-Peucker). */
function simplified(border: readonly Point[]): Point[] {
  const kept = new Uint8Array(border.length);
  const spans: [number, number][] = [];
  // The line begins and ends at the same place, so that it is cut into two halves.
  const middle = Math.floor(border.length / 2);
  kept[0] = 1;
  kept[middle] = 1;
  spans.push([0, middle], [middle, border.length]);
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    const [from, to] = span;
    const [start, end] = [border[from], border[to % border.length]];
    if (start === undefined || end === undefined) continue;
    let [farthest, most] = [-1, TOLERATED];
    for (let index = from + 1; index < to; index += 1) {
      const away = distance(border[index] ?? start, start, end);
      if (away > most) [farthest, most] = [index, away];
    }
    if (farthest < 0) continue;
    kept[farthest] = 1;
    spans.push([from, farthest], [farthest, to]);
  }
  return border.filter((_, index) => kept[index] === 1);
}

function distance([x, y]: Point, [fromX, fromY]: Point, [toX, toY]: Point): number {
  const [right, down] = [toX - fromX, toY - fromY];
  const length = Math.hypot(right, down);
  if (length === 0) return Math.hypot(x - fromX, y - fromY);
  return Math.abs(right * (fromY - y) - (fromX - x) * down) / length;
}
