import { describe, expect, it } from "vitest";

import { LARGEST_ZOOM, transformOf, wholePaper, windowOf, within, zoomedAt } from "./view";

const PAPER = { width: 900, height: 600 };
const FRAME = { width: 450, height: 600 };

describe("the view of the paper", () => {
  it("is the whole paper at first, as large as fits", () => {
    expect(windowOf(PAPER, FRAME, 1)).toEqual({ width: 450, height: 300 });
    expect(transformOf(wholePaper(PAPER), 0.5, windowOf(PAPER, FRAME, 1))).toEqual([0.5, 0, 0]);
  });

  it("fills the frame when it is zoomed", () => {
    expect(windowOf(PAPER, FRAME, 1.5)).toEqual({ width: 450, height: 450 });
    expect(windowOf(PAPER, FRAME, 4)).toEqual({ width: 450, height: 600 });
  });

  it("keeps the place below the pointer where it is", () => {
    const before = { zoom: 2, x: 400, y: 300 };
    const place = { x: 500, y: 350 };
    const after = zoomedAt(before, 1.5, place);
    const onScreen = ({ zoom, x, y }: typeof before) => [
      (place.x - x) * zoom,
      (place.y - y) * zoom,
    ];
    expect(after.zoom).toBe(3);
    onScreen(after).forEach((value, index) =>
      expect(value).toBeCloseTo(onScreen(before)[index] ?? Number.NaN, 9),
    );
  });

  it("shows nothing beside the paper, and is neither too small nor too large", () => {
    expect(within({ zoom: 1, x: 5000, y: -5 }, PAPER, FRAME)).toEqual(wholePaper(PAPER));
    const corner = within({ zoom: 4, x: 5000, y: -5 }, PAPER, FRAME);
    const [scale, right, down] = transformOf(corner, 2, windowOf(PAPER, FRAME, 4));
    expect(900 * scale + right).toBeCloseTo(450, 9);
    expect(down).toBeCloseTo(0, 9);
    expect(within({ zoom: 0.1, x: 0, y: 0 }, PAPER, FRAME).zoom).toBe(1);
    expect(zoomedAt(wholePaper(PAPER), 1e9, { x: 0, y: 0 }).zoom).toBe(LARGEST_ZOOM);
  });

  it("is none before the frame has a size", () => {
    const view = wholePaper(PAPER);
    expect(within(view, PAPER, { width: 0, height: 0 })).toEqual(view);
  });
});
