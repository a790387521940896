import { expect, test } from "vitest";

import { tagLines } from "./plan";

test("each line with a text is a tag", () => {
  expect(tagLines("red hair\r\n\n  cat \n \n")).toEqual(["red hair", "cat"]);
  expect(tagLines(" \n")).toEqual([]);
});
