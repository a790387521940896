import { describe, expect, it } from "vitest";

import { pinchOf, turned, wheelFactor, zoomedAt, zoomedByStep } from "./zoom";

const PIXELS = { deltaMode: WheelEvent.DOM_DELTA_PIXEL, deltaX: 0, ctrlKey: false };

describe("a wheel", () => {
  it("zooms in when it is turned up, and as much out when it is turned down", () => {
    const [up, down] = [-100, 100].map((deltaY) => wheelFactor({ ...PIXELS, deltaY }));
    expect(up).toBeGreaterThan(1);
    expect((up ?? 0) * (down ?? 0)).toBeCloseTo(1);
  });

  it("may count lines instead of pixels", () => {
    const lines = { ...PIXELS, deltaMode: WheelEvent.DOM_DELTA_LINE, deltaX: -1, deltaY: 3 };
    expect(turned(lines)).toEqual({ right: -33, down: 99 });
    expect(wheelFactor(lines)).toBe(wheelFactor({ ...PIXELS, deltaY: 99 }));
  });

  it("is faster for the small steps of a pinch on a touchpad, not for a wheel with Ctrl", () => {
    const [slow, fast] = [false, true].map((ctrlKey) => {
      return [4, 100].map((deltaY) => wheelFactor({ ...PIXELS, ctrlKey, deltaY }));
    });
    expect(fast?.[0]).toBeCloseTo((slow?.[0] ?? 0) ** 5);
    expect(fast?.[1]).toBe(slow?.[1]);
  });
});

describe("two fingers", () => {
  it("zoom at their middle, by how much further apart they are", () => {
    const pinch = pinchOf({ x: 100, y: 0 }, { x: 200, y: 0 }, { x: 0, y: 0 });
    expect(pinch).toEqual({ right: 50, down: 0, factor: 2, middle: { x: 100, y: 0 } });
  });

  it("may be at one place", () => {
    const place = { x: 10, y: 10 };
    expect(pinchOf(place, { x: 13, y: 14 }, place).factor).toBe(5);
  });
});

describe("zooming", () => {
  it("keeps a place where it is, between everything and the largest zoom", () => {
    const view = { zoom: 2, x: 400, y: 300 };
    const place = { x: 100, y: 50 };
    const after = zoomedAt(view, 1.5, place, 16);
    expect(after.zoom).toBe(3);
    expect((place.x - after.x) * after.zoom).toBeCloseTo((place.x - view.x) * view.zoom);
    expect((place.y - after.y) * after.zoom).toBeCloseTo((place.y - view.y) * view.zoom);
    expect(zoomedAt(view, 1e9, place, 16).zoom).toBe(16);
    expect(zoomedAt(view, 1e-9, place, 16).zoom).toBe(1);
  });

  it("comes back to everything by as many steps out as in", () => {
    let view = { zoom: 1, x: 0.5, y: 0.5 };
    for (const direction of [1, 1, 1, 1, 1, -1, -1, -1, -1, -1] as const) {
      view = zoomedByStep(view, direction, 256);
    }
    expect(view).toEqual({ zoom: 1, x: 0.5, y: 0.5 });
  });
});
