import { describe, expect, it } from "vitest";

import type { Details } from "./calls";
import { ANYTHING, isNarrowed, queryOf, startOf } from "./calls";
import { nameOf } from "./name";
import { wishOf } from "./replay";

const SETTINGS: Details["settings"] = {
  prompt: "a cat",
  count: 3,
  refs: [],
  style_tags: ["pixel_art"],
  strict: true,
  add_to_gallery: false,
  sketch: "/api/history/a/inputs/b",
  sketch_weight: 0.3,
  aspect_ratio: "3:4",
};

function picture(index: number, seed: number | null) {
  return {
    index,
    seed,
    url: `/api/history/a/pictures/${index}`,
    sha256: "",
    media_type: "image/png",
    width: 8,
    height: 8,
    size: 9,
    favourite: false,
  };
}

describe("the search of the history", () => {
  it("leaves out what is empty, and covers whole days of this machine", () => {
    expect(queryOf(ANYTHING)).toEqual({ limit: 24 });
    expect(isNarrowed(ANYTHING)).toBe(false);
    const search = { ...ANYTHING, words: " red  ", from: "2026-01-31", to: "2026-01-31" };
    expect(isNarrowed(search)).toBe(true);
    expect(queryOf(search)).toEqual({
      limit: 24,
      q: "red",
      from: new Date(2026, 0, 31).toISOString(),
      to: new Date(2026, 1, 1).toISOString(),
    });
    expect(startOf("31.1.2026")).toBeNull();
  });
});

describe("restored settings", () => {
  const pictures = [picture(0, 7), picture(2, 9)];

  it("have the seed of the picture, locked, or else that of the run", () => {
    const seed = (settings: Partial<Details["settings"]>, index: number | null) =>
      wishOf({ settings: { ...SETTINGS, ...settings }, pictures }, index, []).seed;
    expect(seed({}, 2)).toBe("9");
    expect(seed({ seed: 5 }, null)).toBe("5");
    expect(seed({}, null)).toBe("7");
    const unseeded = wishOf({ settings: SETTINGS, pictures: [picture(0, null)] }, 0, []);
    expect([unseeded.seed, unseeded.seedLocked]).toEqual(["", false]);
    expect(wishOf({ settings: SETTINGS, pictures }, 2, []).seedLocked).toBe(true);
  });

  it("are those of the form, and say what the form does not have", () => {
    const missing: string[] = [];
    const settings = { ...SETTINGS, style_tags: ["a", "b", "c"], preset: "wild" };
    expect(wishOf({ settings, pictures }, 0, missing)).toMatchObject({
      prompt: "a cat",
      negativePrompt: "",
      styleTags: ["a", "b"],
      count: 3,
      ratio: "3:4",
      useSketch: true,
      sketchWeight: 0.3,
      useMask: true,
      provider: "",
      strict: true,
    });
    expect(missing).toEqual(["the style c", "the preset wild"]);
  });
});

describe("the name of an entry", () => {
  it("is the artist's words, or those of the search", () => {
    const entry = { words: "", searched_words: null, mode: "style" };
    expect(nameOf({ ...entry, words: "a cat" })).toBe("a cat");
    expect(nameOf({ ...entry, searched_words: "fruit" })).toBe("fruit");
    expect(nameOf({ ...entry, mode: "edit" })).toBe("An edit without words");
  });
});
