import { describe, expect, it } from "vitest";

import { bytes, noun, outOf, plural, progressOf, seconds } from "./format";

describe("numbers of things", () => {
  it("have a plural, except for one", () => {
    expect(plural(0, "board")).toBe("0 boards");
    expect(plural(1, "board")).toBe("1 board");
    expect(plural(2, "board")).toBe("2 boards");
    expect(plural(12_345, "picture")).toBe("12,345 pictures");
    expect(plural(1, "match", "matches")).toBe("1 match");
    expect(plural(2, "match", "matches")).toBe("2 matches");
    expect(noun(1, "is", "are")).toBe("is");
  });

  it("follow the whole, not the part", () => {
    expect(outOf(1, 3, "picture")).toBe("1 of 3 pictures");
    expect(outOf(0, 1, "picture")).toBe("0 of 1 picture");
    expect(outOf(1, 2, "match", "matches")).toBe("1 of 2 matches");
  });

  it("may have a unit that the server names, or none", () => {
    expect(progressOf(3, 5, "pictures")).toBe("3 of 5 pictures");
    expect(progressOf(0, 1, "pictures")).toBe("0 of 1 picture");
    expect(progressOf(1, 4, "")).toBe("1 of 4");
  });

  it("are sizes", () => {
    expect(bytes(1)).toBe("1 byte");
    expect(bytes(999)).toBe("999 bytes");
    expect(bytes(1500)).toBe("1.5 kB");
  });
});

describe("times", () => {
  it("never have sixty seconds or sixty minutes", () => {
    expect(seconds(1.2)).toBe("1 s");
    expect(seconds(59.7)).toBe("1 min 0 s");
    expect(seconds(119.6)).toBe("2 min 0 s");
    expect(seconds(3599.8)).toBe("1 h 0 min");
    expect(seconds(7190)).toBe("2 h 0 min");
  });
});
