import { expect, it } from "vitest";

import { INITIAL_WISH } from "@/make/wish";

import { requestOf } from "./requests";

const ROW = { key: "together", references: [], set: "together", weight: null } as never;
const NONE = { sketch: null, base: null, mask: null };

it("a column's seed is sent, also while the form's seed is not locked", () => {
  const wish = { ...INITIAL_WISH, prompt: "an apple", seed: "5" };
  const bodyWith = (seed: number | null, locked: boolean) =>
    requestOf({ ...wish, seedLocked: locked }, ROW, { provider: "local", seed }, [], NONE);
  expect([bodyWith(7, false).seed, bodyWith(8, true).seed]).toEqual([7, 8]);
  expect(bodyWith(null, true).seed).toBeUndefined();
});
