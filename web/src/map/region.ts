/** Which pictures are inside of a line that was drawn around them, or in view. */

import type { Box, Place } from "./frame";

type Places = Readonly<Record<"x" | "y", Float32Array>>;

/** Whether a place is inside of a closed line, by the even-odd rule. */
export function isInside(x: number, y: number, line: readonly Place[]): boolean {
  let isIn = false;
  let from = line.at(-1);
  if (from === undefined) return false;
  for (const to of line) {
    if (from.y > y !== to.y > y) {
      const crossing = from.x + ((y - from.y) / (to.y - from.y)) * (to.x - from.x);
      if (x < crossing) isIn = !isIn;
    }
    from = to;
  }
  return isIn;
}

/** The most corners of an area that the server takes. */
const MOST_CORNERS = 500;
/** Finer than any screen shows. */
const DIGITS = 5;

const rounded = (value: number) => Number(value.toFixed(DIGITS));

/** The corners of a line, as they are sent: rounded, and evenly fewer if there are too many. */
export function cornersOf(line: readonly Place[]): Place[] {
  const step = Math.ceil(line.length / MOST_CORNERS);
  return line
    .filter((_, index) => index % step === 0)
    .map(({ x, y }) => ({ x: rounded(x), y: rounded(y) }));
}

export function cornersOfBox({ left, top, right, bottom }: Box): Place[] {
  return cornersOf([
    { x: left, y: top },
    { x: right, y: top },
    { x: right, y: bottom },
    { x: left, y: bottom },
  ]);
}

export function boxAround(line: readonly Place[]): Box {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { x, y } of line) {
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x);
    box.bottom = Math.max(box.bottom, y);
  }
  return box;
}

export function indicesIn({ x, y }: Places, box: Box): number[] {
  const found: number[] = [];
  for (let index = 0; index < x.length; index += 1) {
    const [right, down] = [x[index] as number, y[index] as number];
    if (right < box.left || right > box.right || down < box.top || down > box.bottom) continue;
    found.push(index);
  }
  return found;
}

export function indicesInside(places: Places, line: readonly Place[]): number[] {
  if (line.length < 3) return [];
  const near = indicesIn(places, boxAround(line));
  return near.filter((index) =>
    isInside(places.x[index] as number, places.y[index] as number, line),
  );
}
