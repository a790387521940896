import { describe, expect, it } from "vitest";

import { keptAt, placeOfKept } from "./kept";
import { layoutOf } from "./layout";

const UPRIGHT = layoutOf(358);
const ACROSS = layoutOf(600);

const scrolledTo = (place: number) => ({ scrolled: place, skipped: 0 });

describe("the first picture in view", () => {
  it("is the first one of the row that is seen", () => {
    const { row, columns } = UPRIGHT;
    expect(keptAt(scrolledTo(20 * row), UPRIGHT)).toEqual({ index: 20 * columns, hidden: 0 });
    expect(keptAt(scrolledTo(20.25 * row), UPRIGHT)).toEqual({ index: 20 * columns, hidden: 0.25 });
    expect(keptAt(scrolledTo(20.75 * row), UPRIGHT)?.index).toBe(21 * columns);
    expect(keptAt({ scrolled: 10 * row, skipped: 10 * row }, UPRIGHT)?.index).toBe(20 * columns);
  });

  it("is none while the beginning of the list is in view", () => {
    expect(keptAt(scrolledTo(0), UPRIGHT)).toBeNull();
    expect(keptAt(scrolledTo(-120), UPRIGHT)).toBeNull();
  });

  it("is in the first row of the view after a turn of the phone, and after a turn back", () => {
    for (const part of [0, 0.4, 0.6]) {
      const before = (51 + part) * UPRIGHT.row;
      const kept = keptAt(scrolledTo(before), UPRIGHT);
      if (kept === null) throw new Error("nothing is kept");
      const rows = placeOfKept(kept, ACROSS) / ACROSS.row;
      expect(Math.round(rows)).toBe(Math.floor(kept.index / ACROSS.columns));
      expect(placeOfKept(kept, UPRIGHT)).toBeCloseTo(before);
    }
  });
});
