/**
 * Which rows of a scrolled list are near the view, and where. Browsers limit the height of an
 * element to about 33.5 million pixels of the screen, of which a zoomed page on a sharp screen has
 * up to ten for one pixel of the page. A list with more rows than fit is shown by a lower element.
 * A turn of the wheel or a finger moves its rows as far as those of any list. A longer way, as by
 * the scroll bar, skips rows evenly. Near both ends nothing is skipped.
 */

/** The tallest element, in pixels of the page. */
export const TALLEST = 3_000_000;
/** How much of the element shows the first rows, and how much the last ones, without a gap. */
export const EDGE = 100_000;
/** Rows that are rendered above and below the view. */
const BEYOND = 3;
/** A longer way at once, in heights of the view, is no turn of a wheel. */
const FAR = 4;

export interface Rows {
  count: number;
  /** Of one row, in pixels. */
  height: number;
}

/** Where the view is. Its first row is as many pixels down the list as both together. */
export interface Position {
  /** How far the element is scrolled, in pixels. */
  scrolled: number;
  /** Pixels of rows that are skipped above the view. */
  skipped: number;
}

export interface RowsInView {
  /** The first and the last row that are rendered. */
  first: number;
  last: number;
}

/** The height of the element. */
export function heightOf({ count, height }: Rows): number {
  return Math.min(TALLEST, count * height);
}

const between = (least: number, value: number, most: number) =>
  Math.min(most, Math.max(least, value));

/** Pixels of rows that do not fit into the element. */
function excessOf(rows: Rows): number {
  return rows.count * rows.height - heightOf(rows);
}

/** How far the element can be scrolled inside of the list. */
function endOf(view: number, rows: Rows): number {
  return Math.max(0, heightOf(rows) - view);
}

/** Pixels of rows that belong above the view when the element is scrolled this far. */
function skippedAt(scrolled: number, view: number, rows: Rows): number {
  const middle = endOf(view, rows) - 2 * EDGE;
  const excess = excessOf(rows);
  return excess === 0 ? 0 : Math.round(excess * between(0, (scrolled - EDGE) / middle, 1));
}

/** The position that shows what is this many pixels down the list. */
export function positionOf(place: number, view: number, rows: Rows): Position {
  const [end, excess] = [endOf(view, rows), excessOf(rows)];
  const inside = between(0, place, end + excess);
  if (excess === 0 || inside <= EDGE) return { scrolled: inside, skipped: 0 };
  const middle = end - 2 * EDGE;
  const part = between(0, (inside - EDGE) / (middle + excess), 1);
  const skipped = Math.round(excess * part);
  return { scrolled: inside - skipped, skipped };
}

/**
 * The position after the element was scrolled. `isHeld` is whether the scroll bar is held; a short
 * way skips no rows otherwise.
 */
export function positionAfter(
  before: Position | null,
  scrolled: number,
  view: number,
  rows: Rows,
  isHeld: boolean,
): Position {
  const excess = excessOf(rows);
  const isFar = before === null || Math.abs(scrolled - before.scrolled) > FAR * view;
  if (isFar || isHeld) return { scrolled, skipped: skippedAt(scrolled, view, rows) };
  // The ends of the element are the ends of the list.
  const [isFirst, isLast] = [scrolled <= 0, scrolled >= endOf(view, rows)];
  const skipped = between(isLast ? excess : 0, before.skipped, isFirst ? 0 : excess);
  return { scrolled, skipped };
}

/** The rows near a view of this height. */
export function rowsInView({ scrolled, skipped }: Position, view: number, rows: Rows): RowsInView {
  const rowAt = (place: number) =>
    between(0, Math.floor((place + skipped) / rows.height), rows.count - 1);
  return {
    first: Math.max(0, rowAt(scrolled) - BEYOND),
    last: Math.min(rows.count - 1, rowAt(scrolled + view) + BEYOND),
  };
}
