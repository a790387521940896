import { describe, expect, it } from "vitest";

import type { PerSpace } from "@/api/results";

import { goesBack, leading, queryParts, shareOf, shifted, type Part } from "./balance";
import { INITIAL, type Query } from "./fields";
import { PRESETS } from "./query-state";

const APPLE = { id: "1", title: "apple" };
const query = (part: Partial<Query>): Query => ({ ...INITIAL, ...part });
const names = (part: Partial<Query>, sketched = true) =>
  queryParts(query(part), sketched).map(({ name }) => name);

const PARTS = queryParts(query({ text: "apple" }), true);
const [DRAWING, WORDS] = PARTS as [Part, Part];

/** The shares in percent. */
function shares(weights: PerSpace<number>, parts = PARTS): number[] {
  return parts.map((part) => Math.round(shareOf(part, parts, weights) * 100));
}

describe("the parts of a query", () => {
  it("are only what it has", () => {
    expect(names({})).toEqual(["drawing"]);
    expect(names({}, false)).toEqual([]);
    expect(names({ text: " " })).toEqual(["drawing"]);
    expect(names({ text: "apple", styles: [APPLE] })).toEqual(["drawing", "words", "style"]);
    expect(names({ text: "apple", useSketch: false })).toEqual(["words"]);
    expect(names({ text: "apple", useSketch: false, likes: [APPLE] })).toEqual([
      "pictures",
      "words",
    ]);
    expect(names({ styleImage: { url: "data:", title: "" } }, false)).toEqual(["style"]);
  });

  it("have all spaces that are compared: without words, the sentences of chosen pictures", () => {
    const spaces = (part: Partial<Query>) => queryParts(query(part), false)[0]?.spaces;
    expect(spaces({ likes: [APPLE] })).toEqual(["image", "edge", "text"]);
    expect(spaces({ likes: [APPLE], text: "pear" })).toEqual(["image", "edge"]);
  });
});

describe("a tap on a part", () => {
  it("shifts towards it, then further, then back to the usual weights", () => {
    expect(shares(INITIAL.weights)).toEqual([83, 17]);
    const once = shifted(WORDS, PARTS, INITIAL.weights);
    const twice = shifted(WORDS, PARTS, once);
    expect(shares(once)).toEqual([42, 58]);
    expect(shares(twice)).toEqual([12, 88]);
    expect(goesBack(WORDS, PARTS, once)).toBe(false);
    expect(goesBack(WORDS, PARTS, twice)).toBe(true);
    expect(shifted(WORDS, PARTS, twice)).toEqual(INITIAL.weights);
  });

  it("on the other part goes through the usual weights", () => {
    const words = leading(WORDS, PARTS, INITIAL.weights);
    expect(shares(words)).toEqual([12, 88]);
    expect(shifted(DRAWING, PARTS, words)).toEqual(INITIAL.weights);
    expect(shares(shifted(DRAWING, PARTS, INITIAL.weights))).toEqual([92, 8]);
  });

  it("keeps the ratio of look and shape, and what is not searched for", () => {
    const shape = PRESETS.find(({ name }) => name === "shape")?.weights ?? INITIAL.weights;
    const once = shifted(WORDS, PARTS, shifted(WORDS, PARTS, shape));
    expect(once.edge / once.image).toBeCloseTo(0.8 / 0.25, 1);
    expect(once.style).toBe(INITIAL.weights.style);
  });

  it("gives weights that the sliders can show", () => {
    let weights = INITIAL.weights;
    for (let tap = 0; tap < 4; tap += 1) {
      for (const part of PARTS) {
        weights = shifted(part, PARTS, weights);
        expect(Object.values(weights).every((weight) => weight >= 0 && weight <= 1)).toBe(true);
      }
    }
  });

  it("works after the sliders were set to nothing", () => {
    const none = { image: 0, edge: 0, text: 0, style: 0 };
    expect(shares(shifted(WORDS, PARTS, none))).toEqual([83, 17]);
    const style = { image: 0, edge: 0, text: 0, style: 0.4 };
    const three = queryParts(query({ text: "apple", styles: [APPLE] }), true);
    expect(shares(leading(three[2] as Part, three, style), three)).toEqual([8, 2, 90]);
  });
});
