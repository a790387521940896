import { describe, expect, it } from "vitest";

import { EMPTY, type Drawing, type Point, type Stroke } from "./drawing";
import { formOf, regularEnd } from "./form";
import { boundsOf, isWithin, selectedBy } from "./lasso";

const stroke = (id: string, points: Point[], part: Partial<Stroke> = {}): Stroke => ({
  id,
  layer: "line",
  erases: false,
  colour: "#000",
  size: 4,
  pressure: false,
  points,
  ...part,
});
const at = (...places: [number, number][]): Point[] => places.map(([x, y]) => [x, y, 0.5]);
const drawing = (...strokes: Stroke[]): Drawing => ({ ...EMPTY, strokes });

describe("a lasso", () => {
  const around = at([0, 0], [100, 0], [100, 100], [0, 100]);

  it("selects the strokes of its layer of which more than half is inside", () => {
    const all = drawing(
      stroke("inside", at([10, 10], [20, 20])),
      stroke("half", at([10, 10], [120, 20])),
      stroke("most", at([10, 10], [50, 20], [120, 20])),
      stroke("outside", at([200, 10], [120, 20])),
      stroke("mask", at([10, 10], [20, 20]), { layer: "mask" }),
    );
    expect(selectedBy(all, "line", around)).toEqual(["inside", "most"]);
    expect(selectedBy(all, "mask", around)).toEqual(["mask"]);
    expect(selectedBy(all, "line", at([1, 1]))).toEqual([]);
  });

  it("selects a shape by its edge, not by its ends", () => {
    const all = drawing(
      stroke("large", at([-50, -50], [150, 150]), { shape: "rectangle" }),
      stroke("small", at([-5, -5], [50, 50]), { shape: "ellipse" }),
    );
    // Two of the four places on the edge of the small one are inside, which is not more than half.
    expect(selectedBy(all, "line", around)).toEqual([]);
    expect(selectedBy(all, "line", at([-9, -9], [100, 0], [100, 100], [0, 100]))).toEqual([
      "small",
    ]);
  });

  it("has a rectangle around what it selected", () => {
    const all = drawing(stroke("a", at([10, 10], [20, 40])), stroke("b", at([0, 90])));
    const bounds = boundsOf(all, new Set(["a"]));
    expect(bounds).toEqual({ left: 8, top: 8, right: 22, bottom: 42 });
    expect(isWithin([9, 41, 0.5], bounds)).toBe(true);
    expect(isWithin([9, 90, 0.5], bounds)).toBe(false);
    expect(boundsOf(all, new Set(["gone"]))).toBeNull();
  });
});

describe("a shape", () => {
  const form = (shape: NonNullable<Stroke["shape"]>, points: Point[]) =>
    formOf(stroke("s", points, { shape }));

  it("is drawn from one end to the other, in any direction", () => {
    expect(form("line", at([1, 2], [30, 40]))).toEqual({ path: "M 1 2 L 30 40", width: 4 });
    const box = "M 1 2 L 30 2 L 30 40 L 1 40 Z";
    expect(form("rectangle", at([1, 2], [30, 40])).path).toBe(box);
    expect(form("rectangle", at([30, 40], [1, 2])).path).toBe(box);
    expect(form("ellipse", at([0, 0], [20, 10])).path).toBe(
      "M 0 5 A 10 5 0 0 1 20 5 A 10 5 0 0 1 0 5 Z",
    );
  });

  it("of an area is filled, with each of its borders", () => {
    const points = at([0, 0], [9, 0], [9, 9], [3, 3], [3, 4], [4, 4]);
    const { path, width } = formOf(stroke("s", points, { shape: "area", breaks: [3] }));
    expect(width).toBeNull();
    expect(path).toBe("M 0 0 L 9 0 L 9 9 Z M 3 3 L 3 4 L 4 4 Z");
  });

  it("is regular while Shift is held", () => {
    expect(regularEnd("rectangle", [10, 10], [30, 15])).toEqual([30, 30]);
    expect(regularEnd("ellipse", [10, 10], [0, 15])).toEqual([0, 20]);
    const [x, y] = regularEnd("line", [0, 0], [10, 1]);
    expect(x).toBeCloseTo(Math.hypot(10, 1), 9);
    expect(y).toBeCloseTo(0, 9);
  });
});
