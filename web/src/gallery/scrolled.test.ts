import { describe, expect, it } from "vitest";

import { EDGE, heightOf, positionAfter, positionOf, rowsInView, TALLEST } from "./scrolled";

const VIEW = 800;
const FEW = { count: 1000, height: 200 };
/** Sixteen times as high as an element can be. */
const MANY = { count: 240_000, height: 200 };
/** How far the element with many rows can be scrolled. */
const END = TALLEST - VIEW;
const EXCESS = MANY.count * MANY.height - TALLEST;

/** The position after a jump. */
const at = (scrolled: number, rows = MANY) => positionAfter(null, scrolled, VIEW, rows, false);

describe("a list that is as high as its rows", () => {
  const shown = (scrolled: number, rows = FEW) => rowsInView(at(scrolled, rows), VIEW, rows);

  it("shows the rows where they are, and some beside them", () => {
    expect(heightOf(FEW)).toBe(200_000);
    expect(shown(0)).toEqual({ first: 0, last: 7 });
    expect(shown(10_100)).toEqual({ first: 47, last: 57 });
    expect(shown(200_000 - VIEW)).toEqual({ first: 993, last: 999 });
    expect(at(10_100, FEW).skipped).toBe(0);
  });

  it("may be below the view's top, above it, or have no rows", () => {
    expect(shown(-300)).toEqual({ first: 0, last: 5 });
    expect(shown(300_000)).toEqual({ first: 996, last: 999 });
    const { first, last } = shown(0, { count: 0, height: 200 });
    expect(last).toBeLessThan(first);
  });

  it("may be lower than the view", () => {
    const two = { count: 2, height: 200 };
    expect(shown(0, two)).toEqual({ first: 0, last: 1 });
    expect(positionOf(150, VIEW, two)).toEqual({ scrolled: 0, skipped: 0 });
  });
});

describe("a list with more rows than an element is high", () => {
  it("has its first rows at the beginning, and its last ones at the end", () => {
    expect(heightOf(MANY)).toBe(TALLEST);
    expect(rowsInView(at(0), VIEW, MANY)).toEqual({ first: 0, last: 7 });
    expect(rowsInView(at(END), VIEW, MANY)).toMatchObject({ last: 239_999 });
    expect(at(END).skipped).toBe(EXCESS);
    // What is above and below the list scrolls as usual.
    expect(at(-50).skipped).toBe(0);
    expect(at(END + 50).skipped).toBe(EXCESS);
  });

  it("fills the view wherever it jumps to, with later rows further down", () => {
    let before = 0;
    for (let scrolled = 0; scrolled <= END; scrolled += END / 997) {
      const position = at(scrolled);
      const { first, last } = rowsInView(position, VIEW, MANY);
      expect(first).toBeGreaterThanOrEqual(before);
      expect(first * MANY.height - position.skipped).toBeLessThanOrEqual(scrolled);
      expect((last + 1) * MANY.height - position.skipped).toBeGreaterThanOrEqual(scrolled + VIEW);
      expect(last - first).toBeLessThan(14);
      before = first;
    }
  });

  it("skips no row while it is scrolled by less than a few views", () => {
    let position = at(END / 2);
    const start = position.scrolled + position.skipped;
    for (let step = 1; step <= 500; step += 1) {
      position = positionAfter(position, END / 2 + step * 150, VIEW, MANY, false);
      expect(position.scrolled + position.skipped).toBeCloseTo(start + step * 150, 3);
    }
  });

  it("skips rows while the scroll bar is held, however slowly", () => {
    const before = at(END / 2);
    expect(positionAfter(before, END / 2 + 100, VIEW, MANY, true)).toEqual(at(END / 2 + 100));
  });

  it("is as far scrolled as what it shows is down the list", () => {
    const whole = MANY.count * MANY.height - VIEW;
    for (const place of [0, 1, EDGE, EDGE + 1, whole / 3, whole - EDGE, whole - 1, whole]) {
      const position = positionOf(place, VIEW, MANY);
      expect(position.scrolled + position.skipped).toBeCloseTo(place, 3);
      expect(Math.abs(at(position.scrolled).skipped - position.skipped)).toBeLessThan(20);
    }
    expect(positionOf(-5, VIEW, MANY)).toEqual({ scrolled: 0, skipped: 0 });
    expect(positionOf(1e12, VIEW, MANY)).toEqual({ scrolled: END, skipped: EXCESS });
  });

  it("shows its ends at the ends, however it came there", () => {
    const last = positionAfter({ scrolled: END - 100, skipped: 5 }, END, VIEW, MANY, false);
    expect(last.skipped).toBe(EXCESS);
    expect(positionAfter({ scrolled: 100, skipped: 5 }, 0, VIEW, MANY, false).skipped).toBe(0);
  });

  it("skips nothing any more when it has become short", () => {
    expect(positionAfter(at(END / 2), END / 2, VIEW, FEW, false).skipped).toBe(0);
  });
});
