import { describe, expect, it } from "vitest";

import { NO_FEATURES, type Features } from "@/api/features";

import { nearness, nearnessTold } from "./bars";
import { completions } from "./completion";
import { asks, cycled, formOf, liking, presetOf, PRESETS, START, toggled, type Query } from "./query";

const ALL: Features = { ...NO_FEATURES, negativeText: true, diversity: true, minPercentile: true, facetsOfResults: true, severalLikes: true, madePictures: true };
const FULL: Query = {
  ...START,
  text: " red apple ",
  negativeText: "cat",
  likes: [{ id: "18446744073709551615", title: "a" }, { id: "2", title: "b" }],
  filters: [{ tag: "line_art", excluded: false }, { tag: "pixel_art", excluded: false }, { tag: "cat", excluded: true }],
  tagMode: "all",
  origin: "any",
  diversity: 0.3,
  minPercentile: 0.9,
};

describe("the search's form", () => {
  it("says all that is asked for", () => {
    expect(Object.fromEntries(formOf(FULL, "me", ALL, "next"))).toEqual({
      query_text: "red apple",
      negative_text: "cat",
      w_img: "0.7",
      w_edge: "0.3",
      w_txt: "0.2",
      top: "36",
      like: "18446744073709551615,2",
      tag_filters: "line_art,pixel_art",
      exclude_tags: "cat",
      tag_mode: "all",
      origin: "any",
      user_id: "me",
      personalize: "true",
      diversity: "0.3",
      min_percentile: "0.9",
      facets: "true",
      cursor: "next",
    });
  });

  it("asks for likeness alone where several guesses are not wanted", () => {
    expect(formOf(START, "me", ALL, null).get("diversity")).toBeUndefined();
    expect(formOf({ ...START, severalGuesses: false }, "me", ALL, null).get("diversity")).toBe("0");
    expect(formOf({ ...START, severalGuesses: false }, "me", NO_FEATURES, null).get("diversity")).toBeUndefined();
  });

  it("leaves out what the server does not know, and what is empty", () => {
    const form = formOf({ ...FULL, filters: [], likes: [], text: "  " }, "me", NO_FEATURES, null);
    expect([...form.keys()].sort()).toEqual(["personalize", "top", "user_id", "w_edge", "w_img", "w_txt"]);
  });

  it("is sent only when there is something to look for", () => {
    expect(asks(START, false)).toBe(false);
    expect(asks(START, true)).toBe(true);
    expect(asks({ ...START, useSketch: false }, true)).toBe(false);
    expect(asks({ ...START, text: " " }, false)).toBe(false);
    expect(asks({ ...START, likes: [{ id: "1", title: "a" }] }, false)).toBe(true);
    // Staying away from something is no direction.
    expect(asks({ ...START, negativeText: "cat" }, false)).toBe(false);
  });
});

describe("presets", () => {
  it("are known by their weights", () => {
    for (const preset of PRESETS) expect(presetOf({ ...preset.weights })?.name).toBe(preset.name);
    expect(presetOf({ image: 0.5, edge: 0.5, text: 0.5 })).toBeNull();
  });
});

describe("filters", () => {
  it("go from wanted to unwanted to none", () => {
    const once = cycled([], "cat");
    const twice = cycled(once, "cat");
    expect(once).toEqual([{ tag: "cat", excluded: false }]);
    expect(twice).toEqual([{ tag: "cat", excluded: true }]);
    expect(cycled(twice, "cat")).toEqual([]);
    expect(toggled(twice, "cat")).toEqual([]);
  });

  it("hold several pictures to be like only where the server takes them", () => {
    const [a, b] = [{ id: "1", title: "a" }, { id: "2", title: "b" }];
    expect(liking([a], b, true)).toEqual([a, b]);
    expect(liking([a], b, false)).toEqual([b]);
    expect(liking([a, b], a, true)).toEqual([b]);
  });
});

describe("bars", () => {
  const scores = { image: 0.7, edge: null, text: 0.5 };
  it("tell how rare a hit is where percentiles are known, and its cosine elsewhere", () => {
    const percentiles = { image: 0.99, edge: null, text: 1 };
    expect(nearness({ scores, percentiles }, "image")).toBeCloseTo(0.5);
    expect(nearness({ scores, percentiles }, "text")).toBe(1);
    expect(nearness({ scores, percentiles: null }, "image")).toBe(0.7);
    expect(nearness({ scores, percentiles }, "edge")).toBeNull();
    expect(nearnessTold({ scores, percentiles }, "image")).toBe("top 1.0%");
    expect(nearnessTold({ scores, percentiles: null }, "image")).toBe("70%");
    expect(nearnessTold({ scores, percentiles }, "edge")).toBe("not asked");
  });
});

describe("completion", () => {
  const known = [
    { value: "full_moon", count: 3 },
    { value: "moon", count: 5 },
    { value: "moonlight", count: 9 },
    { value: "honeymoon", count: 90 },
    { value: "sun", count: 100 },
  ];
  it("puts beginnings before words inside, and the frequent first", () => {
    expect(completions(known, "Moon", []).map(({ value }) => value)).toEqual(["moonlight", "moon", "full_moon", "honeymoon"]);
    expect(completions(known, "full m", []).map(({ value }) => value)).toEqual(["full_moon"]);
    expect(completions(known, "moon", ["moon", "moonlight"], 1).map(({ value }) => value)).toEqual(["full_moon"]);
  });
});
