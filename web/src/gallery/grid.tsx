import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type CSSProperties,
  type ReactNode,
  type RefObject,
} from "react";

import { layoutOf, placeOf, rowsOf, tilesIn, type Layout } from "./layout";
import type { Range } from "./pages";
import { heightOf, rowsInView, type RowsInView } from "./scrolled";

/** The number of slots is a multiple of this, so that it seldom changes. */
const SLOTS = 32;
/** While the view moves, what is in it is told at most this often, in milliseconds. */
const OFTEN = 120;

export interface TilePlace {
  index: number;
  /** A number that no other rendered tile has, and that is used again by a later one. */
  slot: number;
  style: CSSProperties;
  /** Side of its picture, in pixels. */
  side: number;
}

export interface GridProps {
  label: string;
  total: number;
  onRange: (range: Range) => void;
  /** Renders the list item of a tile. */
  children: (tile: TilePlace) => ReactNode;
}

/** A grid of any number of tiles, of which only those near the view are rendered. */
export function Grid({ label, total, onRange, children }: GridProps) {
  const list = useRef<HTMLUListElement>(null);
  const shown = useShown(list, total);
  const layout = layoutOf(shown.width);
  const tiles = tilesIn(shown, layout.columns, total);
  useTold(tiles, onRange);
  const slots = Math.ceil(tiles.length / SLOTS) * SLOTS;
  return (
    <ul
      ref={list}
      aria-label={label}
      className="relative"
      style={{ height: heightOf(rowsOf(total, layout)), contain: "strict" }}
    >
      {tiles.map((index) =>
        children({
          index,
          slot: index % slots,
          style: styleOf(index, layout, shown.skipped),
          side: layout.side,
        }),
      )}
    </ul>
  );
}

function styleOf(index: number, layout: Layout, skipped: number): CSSProperties {
  const { x, y } = placeOf(index, layout);
  return {
    position: "absolute",
    top: 0,
    left: 0,
    width: layout.side,
    transform: `translate(${x}px, ${y - skipped}px)`,
  };
}

/** The rows near the view, and the width of the list. */
interface Shown extends RowsInView {
  width: number;
}

const NOTHING: Shown = { width: 0, first: 0, last: -1, skipped: 0 };

function isSame(one: Shown, other: Shown): boolean {
  const keys = ["width", "first", "last", "skipped"] as const;
  return keys.every((key) => one[key] === other[key]);
}

function useShown(list: RefObject<HTMLElement | null>, total: number): Shown {
  const [shown, setShown] = useState(NOTHING);
  useLayoutEffect(() => {
    const inner = list.current;
    if (inner === null) return;
    const measure = () => {
      const outer = scrollerOf(inner);
      const [width, view] = [inner.clientWidth, outer.clientHeight];
      // While the list is hidden, it keeps its height, and with it how far it is scrolled.
      if (width === 0 || view === 0) return;
      const scrolled = outer.getBoundingClientRect().top - inner.getBoundingClientRect().top;
      const rows = rowsOf(total, layoutOf(width));
      const next = { width, ...rowsInView(scrolled, view, rows) };
      setShown((last) => (isSame(last, next) ? last : next));
    };
    measure();
    // What is above the list may change its height, and with it that of the whole content.
    const observer = new ResizeObserver(measure);
    observer.observe(inner);
    if (inner.parentElement !== null) observer.observe(inner.parentElement);
    observer.observe(scrollerOf(inner));
    // A phone that is turned may scroll another element.
    document.addEventListener("scroll", measure, LISTENING);
    return () => {
      observer.disconnect();
      document.removeEventListener("scroll", measure, LISTENING);
    };
  }, [list, total]);
  return shown;
}

const LISTENING = { capture: true, passive: true };

/** The element that scrolls another one: the nearest one around it that may scroll. */
function scrollerOf(element: HTMLElement): Element {
  for (let around = element.parentElement; around !== null; around = around.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(around).overflowY)) return around;
  }
  return document.documentElement;
}

/**
 * Tells which tiles are in view: at once, and then at most every few milliseconds. While the view
 * moves so fast that all of its tiles are others each time, nothing is told until it slows down:
 * what passes by is not loaded.
 */
function useTold(tiles: readonly number[], onRange: (range: Range) => void): void {
  const [first, last] = [tiles[0] ?? 0, tiles.at(-1) ?? 0];
  const told = useRef(0);
  const seen = useRef<Range | null>(null);
  useEffect(() => {
    const before = seen.current;
    seen.current = { first, last };
    const isFast = before !== null && (first > before.last || last < before.first);
    const tell = () => {
      told.current = performance.now();
      onRange({ first, last });
    };
    const wait = isFast ? OFTEN : told.current + OFTEN - performance.now();
    if (wait <= 0) {
      tell();
      return;
    }
    const timer = setTimeout(tell, wait);
    return () => clearTimeout(timer);
  }, [first, last, onRange]);
}

/** The tiles that a grid tells to be in view, for what loads their pictures. */
export function useRange(): [range: Range, onRange: (range: Range) => void] {
  const [range, setRange] = useState<Range>({ first: 0, last: 0 });
  const onRange = useCallback((next: Range) => {
    setRange((last) => (last.first === next.first && last.last === next.last ? last : next));
  }, []);
  return [range, onRange];
}
