import { describe, expect, it } from "vitest";

import type { Schemas } from "./client";
import { picturePath, suggestionOf } from "./pictures";
import { hitOf, pageOf, rarity } from "./results";

type Result = Schemas["SearchResult"];

const PAYLOAD = {
  image_url: "/image/18446744073709551615",
  tags_all: ["apple", 7],
  matched_tags: ["line_art"],
  style: "line_art",
  subject: "apple",
  source_post_url: "javascript:alert(1)",
  license: "CC0",
  width: 10,
};
const NONE = { image: null, edge: null, text: null, words_image: null, style: null };
const RESULT: Result = {
  // JavaScript reads this id of the server as another number.
  id: 18446744073709552000,
  score: 0.9,
  scores: { ...NONE, image: 0.8 },
  percentiles: NONE,
  payload: PAYLOAD,
  duplicates: [],
};

const withPayload = (part: object) =>
  hitOf({ ...RESULT, payload: { ...PAYLOAD, ...part } }).picture;

describe("a picture", () => {
  it("keeps ids that JavaScript's numbers cannot represent, and drops unsafe links", () => {
    expect(hitOf(RESULT).picture).toMatchObject({
      id: "18446744073709551615",
      title: "apple",
      tags: ["apple"],
      styles: ["line_art"],
      source: null,
      licence: "CC0",
      width: 10,
      height: null,
    });
    expect(withPayload({ source_post_url: "https://a.org/1" }).source).toBe("https://a.org/1");
  });

  it("is missing only if its payload says so", () => {
    expect(withPayload({ missing: true }).missing).toBe(true);
    expect(withPayload({ missing: "yes" }).missing).toBe(false);
    expect(withPayload({}).missing).toBe(false);
  });

  it("has the address of the version that was found, or the one of its id", () => {
    const versioned = withPayload({ image_url: "/image/17?v=abc" });
    expect(versioned.id).toBe("17");
    expect(picturePath(versioned)).toBe("/image/17?v=abc");
    expect(picturePath(versioned, 256)).toBe("/image/17?v=abc&w=256");
    const below = withPayload({ image_url: "/studio/image/17?v=a" });
    expect(picturePath(below)).toBe("/studio/image/17?v=a");
    // Stored pictures are addressed by their id alone: a stored version would be shown for ever.
    expect(picturePath({ id: "17" })).toBe("/api/image/17");
    expect(picturePath({ id: "a b" }, 64)).toBe("/api/image/a%20b?w=64");
  });

  it("has no address on another server", () => {
    const elsewhere = ["//evil.example/image/17", "https://evil.example/image/17", 7, "image/17"];
    for (const image_url of elsewhere) expect(withPayload({ image_url }).address).toBeNull();
  });

  it("that was generated is named by its prompt", () => {
    const made = { subject: undefined, origin: "generated", prompt: "a red apple" };
    expect(withPayload(made)).toMatchObject({ made: true, title: "a red apple" });
    expect(hitOf(RESULT).picture.made).toBe(false);
  });
});

describe("a hit", () => {
  it("counts its look-alikes", () => {
    expect(hitOf({ ...RESULT, duplicates: [1, 2] }).duplicates).toBe(2);
  });

  it("has no parts of the words unless the picture itself was compared with them", () => {
    const scores = { ...NONE, text: 0.6 };
    expect(hitOf({ ...RESULT, scores, lexical: 0.5 }).words).toBeNull();
  });

  it("tells the parts of the words apart, and the closest one if scores are calibrated", () => {
    const scores = { ...NONE, text: 0.6, words_image: 0.25 } as Result["scores"];
    const found = { ...RESULT, scores, lexical: 0.5 };
    expect(hitOf(found).words).toEqual({
      values: { sentence: 0.6, tags: 0.5, picture: 0.25 },
      closest: null,
    });
    for (const part of ["sentence", "tags", "picture"]) {
      expect(hitOf({ ...found, words_part: part }).words?.closest).toBe(part);
    }
    expect(hitOf({ ...found, words_part: "another" }).words?.closest).toBeNull();
  });
});

describe("a page", () => {
  const answer: Schemas["SearchResponse"] = {
    results: [RESULT],
    priors_size: 0,
    took_ms: { preprocess: 0, embed: 0, search: 0, total: 5 },
    weights: { image: 1, edge: 0, text: 0, style: 0 },
    calibrated: false,
    collapsed: 0,
    nothing_close: false,
    collection: "c",
  };

  it("has facets and a next page only when the answer has them", () => {
    expect(pageOf(answer)).toMatchObject({ facets: null, nextCursor: null, calibrated: false });
    const tags = [{ value: "apple", count: 3 }];
    const facets = { of: 200, tags, styles: [], style_groups: [] };
    const more = pageOf({ ...answer, facets, next_cursor: "next" });
    expect(more).toMatchObject({ facets, nextCursor: "next" });
  });

  it("has advice only when the server gives some", () => {
    expect(pageOf(answer)).toMatchObject({ nothingClose: false, didYouMean: null });
    const corrections = [{ word: "aplle", instead: "apple" }];
    const did_you_mean = { text: "apple", corrections };
    const advised = pageOf({ ...answer, did_you_mean, nothing_close: true });
    expect(advised).toMatchObject({ nothingClose: true, didYouMean: "apple" });
  });
});

describe("rarity", () => {
  it("grows by a quarter with each tenth", () => {
    expect([0, 0.9, 0.99, 0.999].map(rarity).map((value) => value.toFixed(2))).toEqual([
      "0.00",
      "0.25",
      "0.50",
      "0.75",
    ]);
    expect(rarity(1)).toBe(1);
  });
});

describe("a suggestion", () => {
  it("is named by what it shows, with its id as text", () => {
    const suggestion = suggestionOf({
      id: 18446744073709552000,
      role: "subject",
      weight: 0.8,
      reason: "the closest",
      note: "",
      treatment: "honoured",
      payload: { image_url: "/image/18446744073709551615", subject: "house", license: "CC0" },
    });
    expect(suggestion).toEqual({
      id: "18446744073709551615",
      title: "house",
      licence: "CC0",
      role: "subject",
      weight: 0.8,
      reason: "the closest",
    });
  });
});
