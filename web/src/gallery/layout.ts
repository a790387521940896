/** Where the pictures of the grid are: all tiles have one size, so positions are arithmetic. */

import type { Range } from "./pages";
import type { Rows } from "./scrolled";

/** Space between tiles, in pixels. */
const GAP = 12;
/** The narrowest tile, where the view has room for more than two columns. */
const NARROWEST = 152;
/** Height of the line below a picture. */
const CAPTION = 22;

export interface Layout {
  columns: number;
  /** Side of a tile's square picture, in pixels. */
  side: number;
  /** Height of a row with the space below it, in pixels. */
  row: number;
}

/** The layout of a grid of this width. */
export function layoutOf(width: number): Layout {
  const columns = Math.max(2, Math.floor((width + GAP) / (NARROWEST + GAP)));
  const side = Math.max(1, Math.floor((width - GAP * (columns - 1)) / columns));
  return { columns, side, row: side + CAPTION + GAP };
}

/** Where the tile with this index is, in pixels. */
export function placeOf(index: number, { columns, side, row }: Layout): { x: number; y: number } {
  const column = index % columns;
  return { x: column * (side + GAP), y: ((index - column) / columns) * row };
}

/** The rows of this many tiles. */
export function rowsOf(total: number, { columns, row }: Layout): Rows {
  return { count: Math.ceil(total / columns), height: row };
}

/** The indices of the tiles from one row to another. */
export function tilesIn({ first, last }: Range, columns: number, total: number): number[] {
  const [from, to] = [first * columns, Math.min(total, (last + 1) * columns)];
  return Array.from({ length: Math.max(0, to - from) }, (_, place) => from + place);
}
