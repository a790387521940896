import { expect, test } from "vitest";

import { clicked, moved, NOTHING } from "./selection";

const ORDER = ["a", "b", "c", "d", "e"];

test("a click selects and deselects, a click with Shift does so up to the last one", () => {
  const one = clicked(NOTHING, ORDER, "b", false);
  expect([...one.ids]).toEqual(["b"]);
  const range = clicked(one, ORDER, "d", true);
  expect([...range.ids].sort()).toEqual(["b", "c", "d"]);
  const back = clicked(range, ORDER, "a", true);
  expect([...back.ids].sort()).toEqual(["a", "b", "c", "d"]);
  const without = clicked(back, ORDER, "b", false);
  expect([...clicked(without, ORDER, "d", true).ids]).toEqual(["a"]);
  expect([...clicked(NOTHING, ORDER, "c", true).ids]).toEqual(["c"]);
});

test("arrow keys move within the grid", () => {
  expect(moved("ArrowRight", 0, 3, 5)).toBe(1);
  expect(moved("ArrowDown", 1, 3, 5)).toBe(4);
  expect(moved("ArrowDown", 2, 3, 5)).toBeNull();
  expect(moved("ArrowLeft", 0, 3, 5)).toBeNull();
  expect(moved("x", 0, 3, 5)).toBeNull();
});
