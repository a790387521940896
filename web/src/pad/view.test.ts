import { describe, expect, it } from "vitest";

import { LARGEST_ZOOM, transformOf, wholePaper, windowOf, within } from "./view";

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

  it("shows nothing beside the paper, and is neither too small nor too large", () => {
    expect(within({ zoom: 1, x: 5000, y: -5 }, PAPER, FRAME)).toEqual(wholePaper(PAPER));
    const corner = within({ zoom: 4, x: 5000, y: -5 }, PAPER, FRAME);
    const [scale, right, down] = transformOf(corner, 2, windowOf(PAPER, FRAME, 4));
    expect(900 * scale + right).toBeCloseTo(450, 9);
    expect(down).toBeCloseTo(0, 9);
    expect(within({ zoom: 0.1, x: 0, y: 0 }, PAPER, FRAME).zoom).toBe(1);
    expect(within({ zoom: 99, x: 0, y: 0 }, PAPER, FRAME).zoom).toBe(LARGEST_ZOOM);
  });

  it("is none before the frame has a size", () => {
    const view = wholePaper(PAPER);
    expect(within(view, PAPER, { width: 0, height: 0 })).toEqual(view);
  });
});
