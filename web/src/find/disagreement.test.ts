import { describe, expect, it } from "vitest";

import { ignoredSide } from "./disagreement";

/** A picture by how near it is to the drawing and to the words, and by what its tags cover. */
function hit(image: number | null, words: number | null, lexical: number | null = 0) {
  return {
    percentiles: { image, edge: null, text: words, style: null },
    wordsPercentile: words,
    lexical,
  };
}

const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

describe("a part of the query that is ignored", () => {
  it("is the words, if the pictures follow the drawing and fit none of them", () => {
    expect(ignoredSide(times(12, hit(0.99, 0.6)))).toBe("words");
    expect(ignoredSide(times(12, hit(0.99, 0.6, 0.5)))).toBe("words");
  });

  it("is the drawing the other way round", () => {
    expect(ignoredSide(times(12, hit(0.4, 0.995, 1)))).toBe("drawing");
    expect(ignoredSide(times(12, hit(0.4, 0.95, 0.2)))).toBe("drawing");
  });

  it("is none if one of the pictures fits both", () => {
    expect(ignoredSide(times(12, hit(0.99, 0.995)))).toBeNull();
    const cars = times(7, hit(0.99, 0.6));
    expect(ignoredSide([...cars, hit(0.97, 0.6, 1)])).toBeNull();
    expect(ignoredSide([...cars, hit(0.97, 0.995)])).toBeNull();
    // Nobody sees a picture that fits on the second screen.
    expect(ignoredSide([...cars, hit(0.99, 0.6), hit(0.97, 0.995)])).toBe("words");
  });

  it("is none if the pictures follow neither", () => {
    expect(ignoredSide(times(12, hit(0.7, 0.6)))).toBeNull();
  });

  it("is none while the pictures of a part are near, but not the nearest", () => {
    expect(ignoredSide(times(12, hit(0.99, 0.95)))).toBeNull();
  });

  it("counts the shape of a drawing as well as its look", () => {
    const percentiles = { image: 0.5, edge: 0.99, text: 0.3, style: null };
    const shaped = { ...hit(0.5, 0.3), percentiles };
    expect(ignoredSide(times(6, shaped))).toBe("words");
  });

  it("is not guessed without percentiles, or from a few pictures", () => {
    expect(ignoredSide(times(12, hit(null, null)))).toBeNull();
    expect(ignoredSide([...times(7, hit(0.99, 0.6)), hit(0.99, null, null)])).toBeNull();
    expect(ignoredSide(times(3, hit(0.99, 0.6)))).toBeNull();
  });
});
