/** Follows what is shown of a grid: its width, and the rows near the view. */

import { useLayoutEffect, useRef, useState, type RefObject } from "react";
import { flushSync } from "react-dom";

import { keptAt, placeOfKept, type Kept } from "./kept";
import { layoutOf, rowsOf } from "./layout";
import { isOnScrollBar, scrolledIn, scrollerOf } from "./scroller";
import { positionAfter, positionOf, rowsInView, type Position, type RowsInView } from "./scrolled";

/** The rows near the view, and the width of the list. */
export interface Shown extends RowsInView {
  width: number;
  /** Pixels of rows that are skipped above the view. */
  skipped: number;
}

const NOTHING: Shown = { width: 0, first: 0, last: -1, skipped: 0 };

function isSame(one: Shown, other: Shown): boolean {
  const keys = ["width", "first", "last", "skipped"] as const;
  return keys.every((key) => one[key] === other[key]);
}

/** What was measured last. */
interface Measured extends Position {
  width: number;
}

export function useShown(list: RefObject<HTMLElement | null>, total: number): Shown {
  const [shown, setShown] = useState(NOTHING);
  const last = useRef<Measured | null>(null);
  /** What stays in view while the width changes, until something is scrolled. */
  const kept = useRef<Kept | null>(null);

  useLayoutEffect(() => {
    const inner = list.current;
    if (inner === null) return;
    const show = (position: Position, width: number, view: number) => {
      const rows = rowsOf(total, layoutOf(width));
      const next = { width, skipped: position.skipped, ...rowsInView(position, view, rows) };
      last.current = { ...position, width };
      setShown((before) => (isSame(before, next) ? before : next));
    };
    /** Renders the rows of a position, and scrolls there before they are painted. */
    const move = (position: Position, width: number, view: number) => {
      flushSync(() => show(position, width, view));
      const outer = scrollerOf(inner);
      outer.scrollTop += position.scrolled - scrolledIn(outer, inner);
    };
    const measure = (isHeld: boolean, isSettled: boolean) => {
      const outer = scrollerOf(inner);
      const [width, view] = [inner.clientWidth, outer.clientHeight];
      // While the list is hidden, it keeps its height, and with it how far it is scrolled.
      if (width === 0 || view === 0) return;
      const before = last.current;
      const layout = layoutOf(width);
      const rows = rowsOf(total, layout);
      if (before !== null && before.width !== width) {
        kept.current ??= keptAt(before, layoutOf(before.width));
        if (kept.current !== null) {
          move(positionOf(placeOfKept(kept.current, layout), view, rows), width, view);
          return;
        }
      }
      const scrolled = scrolledIn(outer, inner);
      if (before !== null && Math.abs(scrolled - before.scrolled) >= 1) kept.current = null;
      const position = positionAfter(before, scrolled, view, rows, isHeld);
      const settled = positionOf(position.scrolled + position.skipped, view, rows);
      // After many short ways, the element would be at its end before the list is.
      const isOff = settled.skipped !== position.skipped;
      if (isSettled && isOff && Math.abs(settled.scrolled - scrolled) > view) {
        move(settled, width, view);
      } else show(position, width, view);
    };
    // Another width is measured when its rows can be rendered at once.
    if (last.current === null || last.current.width === inner.clientWidth) measure(false, false);
    return listen(inner, measure);
  }, [list, total]);
  return shown;
}

/** How long nothing is scrolled at the end of a movement, where the browser does not tell it. */
const STILL = 200;

/** Listens to everything that may change what is in view. Returns a function that ends it. */
function listen(
  inner: HTMLElement,
  measure: (isHeld: boolean, isSettled: boolean) => void,
): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const tellsEnd = "onscrollend" in window;
  let isHeld = false;
  let still: ReturnType<typeof setTimeout> | undefined;
  let resized = 0;
  const end = () => measure(isHeld, true);
  const scrolled = () => {
    measure(isHeld, false);
    if (tellsEnd) return;
    clearTimeout(still);
    still = setTimeout(end, STILL);
  };
  // What is above the list may change its height, and with it that of the whole content. Rows that
  // are rendered while sizes are told would be told again, without an end.
  const observer = new ResizeObserver(() => {
    cancelAnimationFrame(resized);
    resized = requestAnimationFrame(() => measure(isHeld, false));
  });
  observer.observe(inner);
  if (inner.parentElement !== null) observer.observe(inner.parentElement);
  observer.observe(scrollerOf(inner));
  // A phone that is turned may scroll another element.
  const anywhere = { capture: true, passive: true, signal };
  document.addEventListener("scroll", scrolled, anywhere);
  document.addEventListener("scrollend", end, anywhere);
  const hold = (event: PointerEvent) => (isHeld = isOnScrollBar(scrollerOf(inner), event));
  document.addEventListener("pointerdown", hold, anywhere);
  for (const name of ["pointerup", "pointercancel"] as const) {
    document.addEventListener(name, () => (isHeld = false), anywhere);
  }
  return () => {
    ending.abort();
    observer.disconnect();
    clearTimeout(still);
    cancelAnimationFrame(resized);
  };
}
