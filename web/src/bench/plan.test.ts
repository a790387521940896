import { describe, expect, it } from "vitest";

import { addReference, type Reference } from "@/references/store";

import { planFault, planOf, priceText, toggled, totalOf, type Axes } from "./plan";

const two = ["1", "2"].reduce<Reference[]>(
  (known, id) => addReference(known, { source: { kind: "gallery", id }, title: id }),
  [],
);
const AXES: Axes = { sets: ["together"], weights: [null], seeds: 2, providers: ["local"] };
const SEEDS = [7, 8, 9, 10];

describe("a grid", () => {
  it("is references times weights, seeds times providers", () => {
    const axes: Axes = {
      sets: ["together", "each", "none"],
      weights: [0.25, 1],
      seeds: 2,
      providers: ["local", "gemini"],
    };
    const { rows, columns } = planOf(axes, two, SEEDS);
    expect(rows.map(({ title, weight }) => `${title} ${weight}`)).toEqual([
      "All references 0.25",
      "All references 1",
      "1 0.25",
      "1 1",
      "2 0.25",
      "2 1",
      "Without references null",
    ]);
    expect(rows[0]?.references.map(({ weight }) => weight)).toEqual([0.25, 0.25]);
    expect(columns.map(({ key }) => key)).toEqual(["local 7", "local 8", "gemini 7", "gemini 8"]);
  });

  it("has no row twice", () => {
    const [one] = two;
    const alone = one === undefined ? [] : [one];
    expect(planOf({ ...AXES, sets: ["together", "each"] }, alone, SEEDS).rows.length).toBe(1);
    expect(planOf({ ...AXES, sets: ["each"] }, alone, SEEDS).rows.length).toBe(1);
    expect(planOf({ ...AXES, weights: [0.5, 1] }, [], SEEDS).rows.length).toBe(1);
  });

  it("says why it cannot be made", () => {
    expect(planFault(planOf(AXES, two, SEEDS))).toBeNull();
    expect(planFault(planOf({ ...AXES, sets: [] }, two, SEEDS))).toMatch(/which references/);
    expect(planFault(planOf({ ...AXES, providers: [] }, two, SEEDS))).toMatch(/provider/);
    const many = { ...AXES, seeds: 4, providers: Array.from({ length: 13 }, (_, at) => `p${at}`) };
    expect(planFault(planOf(many, two, SEEDS))).toMatch(/52 pictures, and 48/);
  });
});

describe("a price", () => {
  it("is the sum, and says what is unknown", () => {
    expect(priceText(totalOf([0, 0]))).toBe("Free");
    expect(priceText(totalOf([0.04, 0.04]))).toBe("About $0.08");
    expect(priceText(totalOf([0.04, null]))).toBe("About $0.04, and 1 of unknown price");
    expect(priceText(totalOf([null]))).toBe("1 of unknown price");
  });
});

it("values are added and taken out", () => {
  expect([toggled([1], 2), toggled([1, 2], 1)]).toEqual([[1, 2], [2]]);
});
