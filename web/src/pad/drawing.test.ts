import { describe, expect, it } from "vitest";

import { changed, EMPTY, hasInk, isEmpty, LONG_SIDE, restored, type Drawing, type Stroke } from "./drawing";
import { searchedPart } from "./fingerprint";
import { advanced, begun, redone, undone } from "./history";
import { adds, pathOf } from "./outline";

function stroke(id: string, part: Partial<Stroke> = {}): Stroke {
  return { id, layer: "line", erases: false, colour: "#000", size: 7, pressure: false, points: [[10, 20, 0.5], [60, 80, 0.5]], ...part };
}

function drawn(...strokes: Stroke[]): Drawing {
  return strokes.reduce<Drawing>((drawing, next) => changed(drawing, { type: "stroke", stroke: next }), EMPTY);
}

const BASE = { url: "data:image/png;base64,aaaa", width: 600, height: 400, name: "a.png" };

describe("a drawing", () => {
  it("clears one layer and leaves the other", () => {
    const drawing = drawn(stroke("a"), stroke("b", { layer: "mask" }));
    const cleared = changed(drawing, { type: "clear", layer: "line" });
    expect(cleared.strokes.map(({ id }) => id)).toEqual(["b"]);
    expect(changed(cleared, { type: "clear", layer: "line" })).toBe(cleared);
  });

  it("takes the shape of its base, and keeps what is drawn in the middle", () => {
    const based = changed(drawn(stroke("a")), { type: "base", base: BASE });
    expect([based.width, based.height]).toEqual([LONG_SIDE, 600]);
    expect(based.strokes[0]?.points[0]).toEqual([10, 20 - 150, 0.5]);
    expect(changed(based, { type: "ratio", ratio: "1:1" })).toBe(based);
    expect(changed(based, { type: "base", base: null }).base).toBeNull();
  });

  it("takes a ratio only when it is one", () => {
    expect(changed(EMPTY, { type: "ratio", ratio: "16:9" })).toMatchObject({ width: 900, height: 506 });
    expect(changed(EMPTY, { type: "ratio", ratio: "3:4" })).toMatchObject({ width: 675, height: 900 });
    for (const ratio of ["", "0:3", "wide", "1:1:1"]) expect(changed(EMPTY, { type: "ratio", ratio })).toBe(EMPTY);
  });

  it("knows an eraser from ink", () => {
    const erased = drawn(stroke("a", { erases: true }));
    expect(hasInk(erased, "line")).toBe(false);
    expect(isEmpty(erased)).toBe(false);
    expect(hasInk(drawn(stroke("a")), "mask")).toBe(false);
  });

  it("comes back from the browser's database as it was, and nothing else does", () => {
    const drawing = changed(drawn(stroke("a"), stroke("b", { layer: "mask" })), { type: "base", base: BASE });
    expect(restored(structuredClone(drawing))).toEqual(drawing);
    const broken = [null, 7, {}, { ...drawing, width: 0 }, { ...drawing, strokes: [{ id: 1 }] }, { ...drawing, base: { ...BASE, url: "https://a" } }, { ...drawing, strokes: [stroke("a", { points: [[1, 2, Number.NaN]] })] }];
    for (const value of broken) expect(restored(value)).toBeNull();
  });
});

describe("what is searched by", () => {
  it("changes with lines, erasers and the base, and not with the mask", () => {
    const drawing = drawn(stroke("a"));
    const name = searchedPart(drawing);
    expect(searchedPart(EMPTY)).toBeNull();
    expect(searchedPart(drawn(stroke("m", { layer: "mask" })))).toBeNull();
    expect(searchedPart(changed(drawing, { type: "stroke", stroke: stroke("m", { layer: "mask" }) }))).toBe(name);
    const others = [
      changed(drawing, { type: "stroke", stroke: stroke("b") }),
      changed(drawing, { type: "stroke", stroke: stroke("c", { erases: true }) }),
      changed(drawing, { type: "base", base: BASE }),
      changed(drawing, { type: "ratio", ratio: "3:4" }),
    ].map(searchedPart);
    expect(new Set([name, ...others]).size).toBe(5);
  });
});

describe("history", () => {
  it("goes back and forth, and a new step forgets what was undone", () => {
    let history = advanced(advanced(begun(1), 2), 3);
    expect(undone(undone(history)).present).toBe(1);
    expect(undone(undone(undone(history))).present).toBe(1);
    history = undone(history);
    expect(redone(history).present).toBe(3);
    expect(redone(redone(history)).present).toBe(3);
    history = advanced(history, 4);
    expect(history.future).toEqual([]);
    expect(undone(history).present).toBe(2);
  });

  it("takes the same value for no step, and does not grow for ever", () => {
    const history = begun(1);
    expect(advanced(history, 1)).toBe(history);
    let long = begun(0);
    for (let step = 1; step <= 500; step += 1) long = advanced(long, step);
    expect(long.past.length).toBe(200);
  });
});

describe("an outline", () => {
  it("is closed, and as broad as the brush; a dot has one too", () => {
    const path = pathOf({ points: [[0, 0, 0.5], [100, 0, 0.5]], size: 10, pressure: false });
    expect(path).toMatch(/^M .* Z$/);
    const heights = [...path.matchAll(/-?\d+(\.\d+)?/g)].map(([value]) => Number(value)).filter((_, index) => index % 2 === 1);
    expect(Math.max(...heights)).toBeCloseTo(5, 0);
    expect(pathOf({ points: [[5, 5, 0.5]], size: 10, pressure: false })).toMatch(/^M /);
    expect(pathOf({ points: [], size: 10, pressure: false })).toBe("");
  });

  it("is thinner where a pen presses less", () => {
    const broad = (force: number) => {
      const path = pathOf({ points: Array.from({ length: 20 }, (_, x) => [x * 10, 0, force] as const), size: 20, pressure: true });
      return Math.max(...[...path.matchAll(/-?\d+(\.\d+)?/g)].map(([value]) => Number(value)).filter((_, index) => index % 2 === 1));
    };
    expect(broad(0.1)).toBeLessThan(broad(0.9) * 0.7);
  });

  it("keeps points that are apart", () => {
    expect(adds([], [0, 0, 0.5])).toBe(true);
    expect(adds([[0, 0, 0.5]], [0.3, 0.3, 0.5])).toBe(false);
    expect(adds([[0, 0, 0.5]], [1, 0, 0.5])).toBe(true);
  });
});
