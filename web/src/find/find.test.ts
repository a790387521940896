import { describe, expect, it, test } from "vitest";

import { Problem } from "@/api/problem";

import { closeness, closenessText, spacesOf } from "./bars";
import { completions, typedTags } from "./completion";
import { partsOf } from "./facts";
import {
  galleryFields,
  INITIAL,
  isSearchable,
  queryOf,
  searchFields,
  SETTINGS,
  type Query,
} from "./fields";
import { goneOf } from "./gone";
import {
  cycleFilter,
  presetOf,
  PRESETS,
  toggleGroup,
  toggleLike,
  toggleStyle,
  useQueryState,
} from "./query-state";

const FULL: Query = {
  ...INITIAL,
  text: " red apple ",
  negativeText: "cat",
  likes: [
    { id: "18446744073709551615", title: "a" },
    { id: "2", title: "b" },
  ],
  filters: [
    { tag: "line_art", excluded: false, style: true },
    { tag: "pixel_art", excluded: false, style: true },
    { tag: "fruit", excluded: false },
    { tag: "red", excluded: false },
    { tag: "cat", excluded: true },
    { tag: "oil", excluded: true, style: true },
  ],
  tagMode: "all",
  origin: "any",
  diversity: 0.3,
  minPercentile: 0.9,
  styles: [
    { id: "3", title: "c" },
    { id: "4", title: "d" },
  ],
  styleGroups: [
    { id: 5, name: "ink" },
    { id: 6, name: "oil" },
  ],
};

describe("a search's request", () => {
  it("contains everything that is set", () => {
    expect(searchFields(FULL, "me", "next")).toEqual({
      query_text: "red apple",
      negative_text: "cat",
      w_img: "0.7",
      w_edge: "0.3",
      w_txt: "0.2",
      w_style: "0.5",
      style_like: "3,4",
      style_groups: "5,6",
      top: "36",
      like: "18446744073709551615,2",
      style_tags: "line_art,pixel_art",
      tag_filters: "fruit,red",
      exclude_tags: "cat,oil",
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

  it("leaves out what is not set", () => {
    const names = Object.keys(searchFields({ ...INITIAL, text: "  " }, "me", null)).sort();
    expect(names).toEqual([
      "facets",
      "personalize",
      "tag_mode",
      "top",
      "user_id",
      "w_edge",
      "w_img",
      "w_style",
      "w_txt",
    ]);
  });

  it("orders by likeness only if several guesses are not wanted", () => {
    const one = { ...INITIAL, severalGuesses: false };
    expect(searchFields(INITIAL, "me", null).diversity).toBeUndefined();
    expect(searchFields(one, "me", null).diversity).toBe("0");
    expect(searchFields({ ...one, diversity: 0.3 }, "me", null).diversity).toBe("0.3");
  });

  it("is sent only when there is something to search for", () => {
    expect(isSearchable(INITIAL, false)).toBe(false);
    expect(isSearchable(INITIAL, true)).toBe(true);
    expect(isSearchable({ ...INITIAL, useSketch: false }, true)).toBe(false);
    expect(isSearchable({ ...INITIAL, text: " " }, false)).toBe(false);
    expect(isSearchable({ ...INITIAL, likes: [{ id: "1", title: "a" }] }, false)).toBe(true);
    expect(isSearchable({ ...INITIAL, styles: [{ id: "1", title: "a" }] }, false)).toBe(true);
    const styleImage = { url: "data:image/png;base64,AA==", title: "a" };
    expect(isSearchable({ ...INITIAL, styleImage }, false)).toBe(true);
    // Filters alone show the gallery, and excluded words give no direction.
    const styleGroups = [{ id: 5, name: "ink" }];
    expect(isSearchable({ ...INITIAL, styleGroups }, false)).toBe(false);
    expect(isSearchable({ ...INITIAL, filters: FULL.filters }, false)).toBe(false);
    expect(isSearchable({ ...INITIAL, negativeText: "cat" }, false)).toBe(false);
  });
});

describe("the gallery's request", () => {
  it("contains the filters of a search, and is empty without any", () => {
    expect(galleryFields(INITIAL)).toEqual({});
    expect(galleryFields(FULL)).toEqual({
      styles: "line_art,pixel_art",
      style_groups: "5,6",
      tags: "fruit,red",
      tag_mode: "all",
      exclude_tags: "cat,oil",
      origin: "any",
    });
    expect(galleryFields({ ...INITIAL, tagMode: "any" })).toEqual({});
  });
});

describe("the settings of a search", () => {
  it("are all of a form's state, and nothing else of it", () => {
    useQueryState.getState().set({ text: "fish", minPercentile: 0.5 });
    const query = queryOf(useQueryState.getState());
    expect(query).toEqual({ ...INITIAL, text: "fish", minPercentile: 0.5 });
    expect(Object.keys(query)).toEqual(Object.keys(SETTINGS));
  });

  it("are remembered by the tab", () => {
    useQueryState.getState().set({ text: "moon", tagMode: "all" });
    const stored: unknown = JSON.parse(sessionStorage.getItem("clippy.query") ?? "null");
    expect(stored).toMatchObject({
      state: { text: "moon", tagMode: "all", weights: { edge: 0.3 } },
    });
  });
});

describe("presets", () => {
  it("are recognised by their weights", () => {
    for (const preset of PRESETS) expect(presetOf({ ...preset.weights })?.name).toBe(preset.name);
    expect(presetOf({ image: 0.5, edge: 0.5, text: 0.5, style: 0.5 })).toBeNull();
  });
});

describe("filters", () => {
  it("go from required to excluded to none", () => {
    const once = cycleFilter([], "cat");
    const twice = cycleFilter(once, "cat");
    expect(once).toEqual([{ tag: "cat", excluded: false }]);
    expect(twice).toEqual([{ tag: "cat", excluded: true }]);
    expect(cycleFilter(twice, "cat")).toEqual([]);
    expect(toggleStyle(twice, "cat")).toEqual([]);
  });

  it("remember what was chosen as a style", () => {
    const ink = toggleStyle([], "ink");
    expect(ink).toEqual([{ tag: "ink", excluded: false, style: true }]);
    expect(cycleFilter(ink, "ink")).toEqual([{ tag: "ink", excluded: true, style: true }]);
    expect(toggleStyle(ink, "ink")).toEqual([]);
  });
});

describe("liked pictures", () => {
  const [a, b] = [
    { id: "1", title: "a" },
    { id: "2", title: "b" },
  ];
  it("are added and removed", () => {
    expect(toggleLike([a], b)).toEqual([a, b]);
    expect(toggleLike([a, b], a)).toEqual([b]);
  });

  it("are 16 at most: the oldest makes room", () => {
    const many = Array.from({ length: 16 }, (_, index) => ({ id: `${index}`, title: "" }));
    const ids = toggleLike(many, { id: "new", title: "" }).map(({ id }) => id);
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([16, "1", "new"]);
  });
});

describe("bars", () => {
  const scores = { image: 0.7, edge: null, text: 0.5, style: null };
  const unknown = { image: null, edge: null, text: null, style: null };
  it("show how rare a hit is when percentiles are known, else its cosine", () => {
    const percentiles = { image: 0.99, edge: null, text: 1, style: null };
    expect(closeness({ scores, percentiles }, "image")).toBeCloseTo(0.5);
    expect(closeness({ scores, percentiles }, "text")).toBe(1);
    expect(closeness({ scores, percentiles: unknown }, "image")).toBe(0.7);
    expect(closeness({ scores, percentiles }, "edge")).toBeNull();
    expect(closenessText({ scores, percentiles }, "image")).toBe("top 1.0%");
    expect(closenessText({ scores, percentiles: unknown }, "image")).toBe("70%");
    expect(closenessText({ scores, percentiles }, "edge")).toBe("not used");
  });

  it("show the style where it was asked for", () => {
    expect(spacesOf({ scores })).toEqual(["image", "edge", "text"]);
    expect(spacesOf({ scores: { ...scores, style: 0.4 } })).toContain("style");
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
  const complete = (typed: string, taken: string[] = [], most?: number) =>
    completions(known, typed, taken, most).map(({ value }) => value);

  it("puts tags with the prefix before tags with such a word, the most frequent first", () => {
    expect(complete("Moon")).toEqual(["moonlight", "moon", "full_moon", "honeymoon"]);
    expect(complete("full m")).toEqual(["full_moon"]);
    expect(complete("moon", ["moon", "moonlight"], 1)).toEqual(["full_moon"]);
  });
});

describe("the styles of the gallery", () => {
  it("are added and removed by their ids, and the oldest one goes over the limit", () => {
    const ink = { id: 1, name: "ink" };
    expect(toggleGroup([], ink)).toEqual([ink]);
    expect(toggleGroup([ink], { id: 1, name: "renamed" })).toEqual([]);
    const many = Array.from({ length: 16 }, (_, index) => ({ id: index + 2, name: "s" }));
    expect(toggleGroup(many, ink)).toEqual([...many.slice(1), ink]);
  });
});

test("typed words become tags, in the spelling that is known", () => {
  const known = [{ value: "Red hair", count: 3 }];
  expect(typedTags(" red  hair, sleeping fox,, NASA, NASA ", known)).toEqual([
    "Red hair",
    "sleeping_fox",
    "NASA",
  ]);
  expect(typedTags(" , ")).toEqual([]);
});

test("a search that names a deleted picture says which one", () => {
  const problem = (status: number, detail: string) =>
    new Problem(status, status === 404 ? "not_found" : "invalid_input", detail, "");
  expect(goneOf(problem(404, "like: the collection has no picture 42"))).toBe("42");
  expect(goneOf(problem(404, "style_like: the collection has no picture a-b"))).toBe("a-b");
  expect(goneOf(problem(400, "like: the collection has no picture 42"))).toBeNull();
  expect(goneOf(problem(404, "there is no collection"))).toBeNull();
  expect(goneOf(new Error("like: the collection has no picture 42"))).toBeNull();
});

test("a path is a folder and a file", () => {
  expect(partsOf("art/foxes/red fox.png")).toEqual(["art/foxes", "red fox.png"]);
  expect(partsOf("fox.png")).toEqual([null, "fox.png"]);
  expect(partsOf(null)).toEqual([null, null]);
});
