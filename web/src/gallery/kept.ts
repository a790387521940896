/** The first picture in view, which stays there when the grid gets another width. */

import type { Layout } from "./layout";
import type { Position } from "./scrolled";

export interface Kept {
  /** The index of its tile. */
  index: number;
  /** How much of its row is above the view, as a part of the row; less than 0 below its top. */
  hidden: number;
}

/** The tile to keep; null while the beginning of the list is in view, which needs no keeping. */
export function keptAt({ scrolled, skipped }: Position, layout: Layout): Kept | null {
  if (scrolled <= 0) return null;
  // A row that is hidden by more than half is not the first one that is seen.
  const above = (scrolled + skipped) / layout.row;
  const row = Math.round(above);
  return { index: row * layout.columns, hidden: above - row };
}

/** How many pixels down the list the view begins, so that it shows a tile as before. */
export function placeOfKept({ index, hidden }: Kept, { columns, row }: Layout): number {
  return (Math.floor(index / columns) + hidden) * row;
}
