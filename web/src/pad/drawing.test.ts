import { describe, expect, it } from "vitest";

import {
  applyChange,
  EMPTY,
  isEmpty,
  LONG_SIDE,
  type Drawing,
  type Stroke,
} from "./drawing";
import { searchedPart } from "./fingerprint";
import { addStep, startHistory, redo, undo } from "./history";
import { isDistinct, pathOf } from "./outline";
import { restored } from "./restored";
import { hasInk } from "./seen";

function stroke(id: string, part: Partial<Stroke> = {}): Stroke {
  return {
    id,
    layer: "line",
    erases: false,
    colour: "#000",
    size: 7,
    pressure: false,
    points: [
      [10, 20, 0.5],
      [60, 80, 0.5],
    ],
    ...part,
  };
}

function drawn(...strokes: Stroke[]): Drawing {
  return strokes.reduce<Drawing>(
    (drawing, next) => applyChange(drawing, { type: "stroke", stroke: next }),
    EMPTY,
  );
}

const BASE = { url: "data:image/png;base64,aaaa", width: 600, height: 400, name: "a.png" };

describe("a drawing", () => {
  it("clears one layer and leaves the other", () => {
    const drawing = drawn(stroke("a"), stroke("b", { layer: "mask" }));
    const cleared = applyChange(drawing, { type: "clear", layer: "line" });
    expect(cleared.strokes.map(({ id }) => id)).toEqual(["b"]);
    expect(applyChange(cleared, { type: "clear", layer: "line" })).toBe(cleared);
  });

  it("takes the ratio of its base, and keeps its strokes in the centre", () => {
    const based = applyChange(drawn(stroke("a")), { type: "base", base: BASE });
    expect([based.width, based.height]).toEqual([LONG_SIDE, 600]);
    expect(based.strokes[0]?.points[0]).toEqual([10, 20 - 150, 0.5]);
    expect(applyChange(based, { type: "ratio", ratio: "1:1" })).toBe(based);
    expect(applyChange(based, { type: "base", base: null }).base).toBeNull();
  });

  it("ignores invalid ratios", () => {
    expect(applyChange(EMPTY, { type: "ratio", ratio: "16:9" })).toMatchObject({
      width: 900,
      height: 506,
    });
    expect(applyChange(EMPTY, { type: "ratio", ratio: "3:4" })).toMatchObject({
      width: 675,
      height: 900,
    });
    for (const ratio of ["", "0:3", "wide", "1:1:1"])
      expect(applyChange(EMPTY, { type: "ratio", ratio })).toBe(EMPTY);
  });

  it("distinguishes an eraser from ink", () => {
    const erased = drawn(stroke("a", { erases: true }));
    expect(hasInk(erased, "line")).toBe(false);
    expect(isEmpty(erased)).toBe(false);
    expect(hasInk(drawn(stroke("a")), "mask")).toBe(false);
  });

  it("is restored from storage unchanged, and invalid values are not", () => {
    const drawing = applyChange(drawn(stroke("a"), stroke("b", { layer: "mask" })), {
      type: "base",
      base: BASE,
    });
    expect(restored(structuredClone(drawing))).toEqual(drawing);
    const broken = [
      null,
      7,
      {},
      { ...drawing, width: 0 },
      { ...drawing, strokes: [{ id: 1 }] },
      { ...drawing, base: { ...BASE, url: "https://a" } },
      { ...drawing, layers: [] },
      { ...drawing, layers: drawing.layers.slice(0, 1) },
      { ...drawing, strokes: [stroke("a", { layer: "nowhere" })] },
      { ...drawing, strokes: [{ ...stroke("a"), shape: "star" }] },
      { ...drawing, strokes: [stroke("a", { points: [[1, 2, Number.NaN]] })] },
    ];
    for (const value of broken) expect(restored(value)).toBeNull();
  });

  it("has the first layers when it was stored before there were layers", () => {
    const { layers, ...older } = applyChange(drawn(stroke("a"), stroke("m", { layer: "mask" })), {
      type: "base",
      base: BASE,
    });
    expect(restored(older)).toEqual({ ...older, layers });
  });

  it("moves and removes strokes, each move under new ids of the same length", () => {
    const drawing = drawn(stroke("a"), stroke("b"));
    const move = (from: Drawing, id: string, mark: string) =>
      applyChange(from, { type: "move", strokes: new Set([id]), right: 5, down: -5, mark });
    const once = move(drawing, "a", "m1");
    expect(once.strokes.map(({ id }) => id)).toEqual(["a+m1", "b"]);
    expect(once.strokes[0]?.points[0]).toEqual([15, 15, 0.5]);
    expect(move(once, "a+m1", "m2").strokes[0]?.id).toBe("a+m2");
    const removed = applyChange(drawing, { type: "remove", strokes: new Set(["a"]) });
    expect(removed.strokes.map(({ id }) => id)).toEqual(["b"]);
    expect(applyChange(drawing, { type: "remove", strokes: new Set(["c"]) })).toBe(drawing);
  });
});

describe("the searched part", () => {
  it("changes with lines, erasers and the base, and not with the mask", () => {
    const drawing = drawn(stroke("a"));
    const name = searchedPart(drawing);
    expect(searchedPart(EMPTY)).toBeNull();
    expect(searchedPart(drawn(stroke("m", { layer: "mask" })))).toBeNull();
    expect(
      searchedPart(
        applyChange(drawing, { type: "stroke", stroke: stroke("m", { layer: "mask" }) }),
      ),
    ).toBe(name);
    const others = [
      applyChange(drawing, { type: "stroke", stroke: stroke("b") }),
      applyChange(drawing, { type: "stroke", stroke: stroke("c", { erases: true }) }),
      applyChange(drawing, { type: "base", base: BASE }),
      applyChange(drawing, { type: "ratio", ratio: "3:4" }),
    ].map(searchedPart);
    expect(new Set([name, ...others]).size).toBe(5);
  });
});

describe("history", () => {
  it("is undone and redone, and a new step drops what was undone", () => {
    let history = addStep(addStep(startHistory(1), 2), 3);
    expect(undo(undo(history)).present).toBe(1);
    expect(undo(undo(undo(history))).present).toBe(1);
    history = undo(history);
    expect(redo(history).present).toBe(3);
    expect(redo(redo(history)).present).toBe(3);
    history = addStep(history, 4);
    expect(history.future).toEqual([]);
    expect(undo(history).present).toBe(2);
  });

  it("ignores a step without a change, and is limited", () => {
    const history = startHistory(1);
    expect(addStep(history, 1)).toBe(history);
    let long = startHistory(0);
    for (let step = 1; step <= 500; step += 1) long = addStep(long, step);
    expect(long.past.length).toBe(200);
  });
});

describe("an outline", () => {
  it("is closed, and as broad as the brush, also for a dot", () => {
    const path = pathOf({
      points: [
        [0, 0, 0.5],
        [100, 0, 0.5],
      ],
      size: 10,
      pressure: false,
    });
    expect(path).toMatch(/^M .* Z$/);
    const heights = [...path.matchAll(/-?\d+(\.\d+)?/g)]
      .map(([value]) => Number(value))
      .filter((_, index) => index % 2 === 1);
    expect(Math.max(...heights)).toBeCloseTo(5, 0);
    expect(pathOf({ points: [[5, 5, 0.5]], size: 10, pressure: false })).toMatch(/^M /);
    expect(pathOf({ points: [], size: 10, pressure: false })).toBe("");
  });

  it("is thinner with less pressure", () => {
    const broad = (force: number) => {
      const path = pathOf({
        points: Array.from({ length: 20 }, (_, x) => [x * 10, 0, force] as const),
        size: 20,
        pressure: true,
      });
      return Math.max(
        ...[...path.matchAll(/-?\d+(\.\d+)?/g)]
          .map(([value]) => Number(value))
          .filter((_, index) => index % 2 === 1),
      );
    };
    expect(broad(0.1)).toBeLessThan(broad(0.9) * 0.7);
  });

  it("drops points that are too close", () => {
    expect(isDistinct([], [0, 0, 0.5])).toBe(true);
    expect(isDistinct([[0, 0, 0.5]], [0.3, 0.3, 0.5])).toBe(false);
    expect(isDistinct([[0, 0, 0.5]], [1, 0, 0.5])).toBe(true);
  });
});
