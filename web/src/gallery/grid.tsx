import { useVirtualizer } from "@tanstack/react-virtual";
import {
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type CSSProperties,
  type ReactNode,
  type RefObject,
} from "react";

import { layoutOf, placeOf, tilesIn, type Layout } from "./layout";
import type { Range } from "./pages";

/** Rows that are rendered above and below the view. */
const BEYOND = 3;
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

interface GridProps {
  label: string;
  total: number;
  /** The element that scrolls. */
  scroller: RefObject<HTMLElement | null>;
  onRange: (range: Range) => void;
  /** Renders the list item of a tile. */
  children: (tile: TilePlace) => ReactNode;
}

/** A grid of any number of tiles, of which only those near the view are rendered. */
export function Grid({ label, total, scroller, onRange, children }: GridProps) {
  const list = useRef<HTMLUListElement>(null);
  const { layout, above } = useMeasured(list, scroller);
  const rows = Math.ceil(total / layout.columns);
  // The compiler skips this component: the virtualizer changes without a new identity.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtualizer = useVirtualizer({
    count: rows,
    getScrollElement: () => scroller.current,
    estimateSize: () => layout.row,
    overscan: BEYOND,
    scrollMargin: above,
    useFlushSync: false,
  });
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, layout.row]);
  const shown = virtualizer.getVirtualItems().map(({ index }) => index);
  const tiles = tilesIn(shown, layout.columns, total);
  useRange(tiles, onRange);
  const slots = Math.ceil(tiles.length / SLOTS) * SLOTS;
  return (
    <ul
      ref={list}
      aria-label={label}
      className="relative"
      style={{ height: rows * layout.row, contain: "strict" }}
    >
      {tiles.map((index) =>
        children({
          index,
          slot: index % slots,
          style: styleOf(index, layout),
          side: layout.side,
        }),
      )}
    </ul>
  );
}

function styleOf(index: number, layout: Layout): CSSProperties {
  const { x, y } = placeOf(index, layout);
  return {
    position: "absolute",
    top: 0,
    left: 0,
    width: layout.side,
    transform: `translate(${x}px, ${y}px)`,
  };
}

/** The layout for the list's width, and how far the list's top is below the scrolled content's. */
function useMeasured(
  list: RefObject<HTMLElement | null>,
  scroller: RefObject<HTMLElement | null>,
): { layout: Layout; above: number } {
  const [measured, setMeasured] = useState({ width: 0, above: 0 });
  useLayoutEffect(() => {
    const [inner, outer] = [list.current, scroller.current];
    if (inner === null || outer === null) return;
    const measure = () => {
      const top = inner.getBoundingClientRect().top - outer.getBoundingClientRect().top;
      const next = { width: inner.clientWidth, above: Math.round(top + outer.scrollTop) };
      setMeasured((last) =>
        last.width === next.width && last.above === next.above ? last : next,
      );
    };
    measure();
    // What is above the list may change its height, and with it that of the whole content.
    const observer = new ResizeObserver(measure);
    observer.observe(inner);
    observer.observe(outer);
    if (inner.parentElement !== null) observer.observe(inner.parentElement);
    return () => observer.disconnect();
  }, [list, scroller]);
  return { layout: layoutOf(measured.width), above: measured.above };
}

/**
 * Tells which tiles are in view: at once, and then at most every few milliseconds. While the view
 * moves so fast that all of its tiles are others each time, nothing is told until it slows down:
 * what passes by is not loaded.
 */
function useRange(tiles: readonly number[], onRange: (range: Range) => void): void {
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
