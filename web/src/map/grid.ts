/** Finds the picture that is nearest to a place, among many. */

import type { Place } from "./frame";

const CELLS = 128;

type Places = Readonly<Record<"x" | "y", Float32Array>>;

export interface Grid {
  places: Places;
  /** Where the pictures of each cell begin among `items`. */
  starts: Uint32Array;
  /** All pictures, cell by cell. */
  items: Uint32Array;
}

function cellOf(value: number): number {
  return Math.min(CELLS - 1, Math.max(0, Math.floor(value * CELLS)));
}

export function gridOf(places: Places): Grid {
  const { x, y } = places;
  const cells = Uint32Array.from(x, (right, index) => {
    return cellOf(y[index] as number) * CELLS + cellOf(right);
  });
  const starts = new Uint32Array(CELLS * CELLS + 1);
  for (const cell of cells) starts[cell + 1] = (starts[cell + 1] as number) + 1;
  for (let cell = 0; cell < CELLS * CELLS; cell += 1) {
    starts[cell + 1] = (starts[cell + 1] as number) + (starts[cell] as number);
  }
  const items = new Uint32Array(x.length);
  const next = starts.slice();
  cells.forEach((cell, index) => {
    const at = next[cell] as number;
    items[at] = index;
    next[cell] = at + 1;
  });
  return { places, starts, items };
}

/** The picture nearest to a place, or null if none is within the radius. */
export function nearest({ places, starts, items }: Grid, at: Place, radius: number): number | null {
  let found: number | null = null;
  let least = radius * radius;
  for (let row = cellOf(at.y - radius); row <= cellOf(at.y + radius); row += 1) {
    // The cells of a row are side by side, and so are their pictures.
    const from = starts[row * CELLS + cellOf(at.x - radius)] as number;
    const to = starts[row * CELLS + cellOf(at.x + radius) + 1] as number;
    for (let place = from; place < to; place += 1) {
      const index = items[place] as number;
      const right = (places.x[index] as number) - at.x;
      const down = (places.y[index] as number) - at.y;
      const distance = right * right + down * down;
      if (distance > least) continue;
      [found, least] = [index, distance];
    }
  }
  return found;
}
