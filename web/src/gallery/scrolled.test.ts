import { describe, expect, it } from "vitest";

import { heightOf, rowsInView, TALLEST } from "./scrolled";

const VIEW = 800;
const FEW = { count: 1000, height: 200 };
/** Three times as high as an element can be. */
const MANY = { count: 240_000, height: 200 };
/** How far the element with many rows can be scrolled. */
const END = TALLEST - VIEW;

describe("a list that is as high as its rows", () => {
  it("shows the rows where they are, and some beside them", () => {
    expect(heightOf(FEW)).toBe(200_000);
    expect(rowsInView(0, VIEW, FEW)).toEqual({ first: 0, last: 7, skipped: 0 });
    expect(rowsInView(10_100, VIEW, FEW)).toEqual({ first: 47, last: 57, skipped: 0 });
    expect(rowsInView(200_000 - VIEW, VIEW, FEW)).toEqual({ first: 993, last: 999, skipped: 0 });
  });

  it("may be below the view's top, above it, or have no rows", () => {
    expect(rowsInView(-300, VIEW, FEW)).toEqual({ first: 0, last: 5, skipped: 0 });
    expect(rowsInView(300_000, VIEW, FEW)).toEqual({ first: 996, last: 999, skipped: 0 });
    const { first, last } = rowsInView(0, VIEW, { count: 0, height: 200 });
    expect(last).toBeLessThan(first);
  });
});

describe("a list with more rows than an element is high", () => {
  it("has its first rows at the beginning, and its last ones at the end", () => {
    expect(heightOf(MANY)).toBe(TALLEST);
    expect(rowsInView(0, VIEW, MANY)).toEqual({ first: 0, last: 7, skipped: 0 });
    const excess = MANY.count * MANY.height - TALLEST;
    expect(rowsInView(END, VIEW, MANY)).toMatchObject({ last: 239_999, skipped: excess });
    // What is above and below the list scrolls as usual.
    expect(rowsInView(-50, VIEW, MANY).skipped).toBe(0);
    expect(rowsInView(END + 50, VIEW, MANY).skipped).toBe(excess);
  });

  it("fills the view wherever it is scrolled to, with later rows further down", () => {
    let before = 0;
    for (let scrolled = 0; scrolled <= END; scrolled += END / 997) {
      const { first, last, skipped } = rowsInView(scrolled, VIEW, MANY);
      expect(first).toBeGreaterThanOrEqual(before);
      expect(first * MANY.height - skipped).toBeLessThanOrEqual(scrolled);
      expect((last + 1) * MANY.height - skipped).toBeGreaterThanOrEqual(scrolled + VIEW);
      expect(last - first).toBeLessThan(14);
      before = first;
    }
  });

  it("skips no row while it is scrolled by less than a row", () => {
    const rows = { count: 86_500, height: 227 };
    for (let scrolled = 0; scrolled < 40_000; scrolled += 150) {
      const [one, next] = [scrolled, scrolled + 150].map((at) => rowsInView(at, VIEW, rows));
      expect((next?.first ?? 0) - (one?.first ?? 0)).toBeLessThanOrEqual(1);
    }
  });
});
