/**
 * Which rows of a scrolled list are near the view, and where. Browsers limit the height of an
 * element: Firefox to about 17.8 million pixels, Chromium and Safari to about 33.5 million. A list
 * with more rows than fit is shown by a lower element. While that scrolls, rows are skipped evenly,
 * so that its end shows the last ones.
 */

/** The tallest element, in pixels. */
export const TALLEST = 16_000_000;
/** Rows that are rendered above and below the view. */
const BEYOND = 3;

export interface Rows {
  count: number;
  /** Of one row, in pixels. */
  height: number;
}

export interface RowsInView {
  /** The first and the last row that are rendered. */
  first: number;
  last: number;
  /** Pixels of rows that are skipped above the view. */
  skipped: number;
}

/** The height of the element. */
export function heightOf({ count, height }: Rows): number {
  return Math.min(TALLEST, count * height);
}

const between = (least: number, value: number, most: number) =>
  Math.min(most, Math.max(least, value));

/** Pixels of rows that are skipped when the element is scrolled this far. */
function skippedAt(scrolled: number, view: number, rows: Rows): number {
  const shown = heightOf(rows);
  const excess = rows.count * rows.height - shown;
  return excess === 0 ? 0 : Math.round(excess * between(0, scrolled / (shown - view), 1));
}

/** The rows near a view of this height, which begins this far below the top of the element. */
export function rowsInView(scrolled: number, view: number, rows: Rows): RowsInView {
  const skipped = skippedAt(scrolled, view, rows);
  const rowAt = (place: number) =>
    between(0, Math.floor((place + skipped) / rows.height), rows.count - 1);
  return {
    first: Math.max(0, rowAt(scrolled) - BEYOND),
    last: Math.min(rows.count - 1, rowAt(scrolled + view) + BEYOND),
    skipped,
  };
}
