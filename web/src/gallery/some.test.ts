import { describe, expect, it } from "vitest";

import { PAGE } from "./pages";
import { goneAfter, leftOf, pagesOfSome } from "./some";

const IDS = Array.from({ length: 2 * PAGE + 50 }, (_, index) => `${index}`);
const NONE: ReadonlySet<string> = new Set();

describe("chosen pictures that were deleted", () => {
  it("are noticed when they are not found, and come back when they are", () => {
    const gone = goneAfter(NONE, ["1", "2", "3"], new Set(["1", "3"]));
    expect([...gone]).toEqual(["2"]);
    expect([...goneAfter(gone, ["7"], NONE)]).toEqual(["2", "7"]);
    expect([...goneAfter(gone, ["1", "2"], new Set(["1", "2"]))]).toEqual([]);
  });

  it("change nothing if they are known", () => {
    const gone = new Set(["2"]);
    expect(goneAfter(gone, ["1", "2"], new Set(["1"]))).toBe(gone);
  });

  it("have no positions: the pictures after them move up", () => {
    expect(leftOf(["a", "b", "c", "d"], new Set(["b", "elsewhere"]))).toEqual([0, 2, 3]);
  });
});

describe("the pages of chosen pictures", () => {
  const pages = (gone: readonly string[], first: number, last: number) =>
    pagesOfSome(leftOf(IDS, new Set(gone)), IDS.length, { first, last });

  it("are those of the ids, whatever was deleted", () => {
    expect(pages([], 0, 20)).toEqual([0]);
    expect(pages([], PAGE - 1, PAGE)).toEqual([0, 1]);
    expect(pages(IDS.slice(0, 10), PAGE - 10, PAGE)).toEqual([1]);
    expect(pages([], 2 * PAGE, 2 * PAGE + 49)).toEqual([2]);
  });

  it("include those at the ends of which nothing is left", () => {
    expect(pages(IDS.slice(0, PAGE), 0, 20)).toEqual([0, 1]);
    expect(pages(IDS.slice(2 * PAGE), PAGE + 1, 2 * PAGE - 1)).toEqual([1, 2]);
    expect(pages(IDS, 0, 0)).toEqual([0, 1, 2]);
  });

  it("are the last ones while the view is still below the end", () => {
    expect(pages(IDS.slice(PAGE), 220, 249)).toEqual([0, 1, 2]);
    expect(pagesOfSome([], 0, { first: 0, last: 0 })).toEqual([]);
  });
});
