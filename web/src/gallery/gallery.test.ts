import { describe, expect, it } from "vitest";

import { layoutOf, placeOf, tilesIn } from "./layout";
import { PAGE, pagesOf } from "./pages";

describe("the grid's layout", () => {
  it("fills the width, with two columns on the narrowest screens", () => {
    for (const width of [280, 358, 500, 640, 777, 1200]) {
      const { columns, side } = layoutOf(width);
      const used = placeOf(columns - 1, layoutOf(width)).x + side;
      expect(used).toBeLessThanOrEqual(width);
      expect(width - used).toBeLessThan(columns);
    }
    expect(layoutOf(280).columns).toBe(2);
    expect(layoutOf(640).columns).toBe(3);
    expect(layoutOf(652).columns).toBe(4);
    expect(layoutOf(0).side).toBeGreaterThan(0);
  });

  it("puts tiles side by side, row by row", () => {
    const layout = layoutOf(640);
    expect(placeOf(0, layout)).toEqual({ x: 0, y: 0 });
    expect(placeOf(2, layout).y).toBe(0);
    expect(placeOf(3, layout)).toEqual({ x: 0, y: layout.row });
    expect(placeOf(99_999, layout).y).toBe(33_333 * layout.row);
  });

  it("has no tile after the last picture", () => {
    expect(tilesIn({ first: 0, last: 1 }, 3, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(tilesIn({ first: 1, last: 2 }, 3, 100)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(tilesIn({ first: 0, last: -1 }, 3, 5)).toEqual([]);
    expect(tilesIn({ first: 7, last: 9 }, 3, 5)).toEqual([]);
  });
});

describe("the pages of a view", () => {
  it("are those with its pictures, and the first one", () => {
    expect(pagesOf({ first: 0, last: 20 })).toEqual([0]);
    expect(pagesOf({ first: PAGE - 1, last: PAGE })).toEqual([0, 1]);
    expect(pagesOf({ first: 7 * PAGE + 5, last: 8 * PAGE })).toEqual([0, 7, 8]);
  });
});
