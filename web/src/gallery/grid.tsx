import {
  useCallback,
  useEffect,
  useRef,
  useState,
  type CSSProperties,
  type FocusEvent,
  type ReactNode,
} from "react";

import { layoutOf, placeOf, rowsOf, tilesIn, type Layout } from "./layout";
import type { Range } from "./pages";
import { heightOf } from "./scrolled";
import { useShown } from "./use-shown";

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
  const [focused, setFocused] = useState<number | null>(null);
  return (
    <ul
      ref={list}
      aria-label={label}
      className="relative"
      style={{
        height: heightOf(rowsOf(total, layout)),
        contain: "strict",
        // Room for the outlines of what has the focus at the list's edge.
        overflowClipMargin: 5,
      }}
      onFocus={({ target }) => setFocused(indexOf(target))}
      onBlur={() => setFocused(null)}
    >
      {withFocused(tiles, focused, total).map((index) =>
        children({
          index,
          slot: tiles.includes(index) ? index % slots : slots,
          style: styleOf(index, layout, shown.skipped),
          side: layout.side,
        }),
      )}
    </ul>
  );
}

/** The index of the tile around an element, by its number in the list. */
function indexOf(element: FocusEvent["target"]): number | null {
  const number = element.closest("li")?.getAttribute("aria-posinset");
  return number == null ? null : Number(number) - 1;
}

/** A tile that has the focus stays, wherever the list is scrolled to: the focus would be lost. */
function withFocused(
  tiles: readonly number[],
  focused: number | null,
  total: number,
): readonly number[] {
  if (focused === null || focused >= total || tiles.includes(focused)) return tiles;
  return focused < (tiles[0] ?? 0) ? [focused, ...tiles] : [...tiles, focused];
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
