import { expect, test } from "vitest";

import type { Schemas } from "@/api/client";

import { recordedOf } from "./journal";

type Line = Schemas["ChangeLine"];
const NOW = 100 * 86_400_000;
const DAY = 86_400;

function line(change: string, action: string, pictures: number, detail: object, day = 99): Line {
  const at = day * DAY;
  return { change, action, pictures, detail: detail as Line["detail"], at, by: null };
}

/** The two lines of a change of many pictures, the newest first. */
function bulk(change: string, action: string, pictures: number, request: object, day = 99): Line[] {
  return [
    line(change, action, pictures, { stage: "done", report: {} }, day),
    line(change, action, 500, { stage: "begun", request }, day),
  ];
}

const shown = (lines: Line[]) =>
  recordedOf(lines, NOW).map(({ what, where, undo }) => [what, where, undo]);

test("a change of many pictures is one entry, with its request in words", () => {
  const filter = { tags: ["red_hair", "fox"], artist: "Ann", ratings: ["g"] };
  expect(
    shown([
      ...bulk("4", "rename_tag", 3, { filter: { tags: [] }, from: "old_tag", to: "new" }),
      ...bulk("3", "add_tags", 12, { filter, tags: ["cat", "tame_cat"] }),
      ...bulk("2", "delete", 1, { filter: { folder: "/art" } }),
      line("1", "edit", 1, { id: 42, edit: { tags: ["a"] } }),
    ]),
  ).toEqual([
    ["Renamed old tag to new in 3 pictures", null, "possible"],
    ["Added cat, tame cat to 12 pictures", "with red hair and fox, rated g, by Ann", "possible"],
    ["Deleted 1 picture", "in /art", "possible"],
    ["Edited the tags of a picture", null, "possible"],
  ]);
});

test("what was undone, is too old, or changed nothing cannot be undone", () => {
  expect(
    shown([
      ...bulk("6", "restore", 2, { filter: { change: "1" } }),
      ...bulk("5", "restore", 1, { filter: { ids: [7] } }),
      ...bulk("8", "restore", 0, { filter: { change: "9" } }),
      line("4", "delete", 1, { id: 7 }, 98),
      line("7", "edit", 1, { id: 7, edit: { rating: "g" } }, 98),
      ...bulk("3", "delete", 0, { filter: { tags: ["none"] } }),
      ...bulk("2", "delete", 9, { filter: { tags: ["old"] } }, 60),
      ...bulk("9", "hide", 9, { filter: { tags: ["old"] } }, 60),
      ...bulk("1", "delete", 2, { filter: { tags: ["new"] } }),
    ]).map(([what, , undo]) => `${what}: ${undo}`),
  ).toEqual([
    "Undid: Deleted 2 pictures: none",
    "Restored 1 picture: none",
    "Undid a change of 0 pictures: none",
    "Deleted 1 picture: undone",
    "Edited a picture: possible",
    "Deleted 0 pictures: none",
    "Deleted 9 pictures: expired",
    "Hid 9 pictures: possible",
    "Deleted 2 pictures: undone",
  ]);
});

test("a change that has begun is running, and one that was cancelled stopped", () => {
  const begun = line("1", "delete", 40, { stage: "begun", request: { filter: { tags: ["a"] } } });
  expect(recordedOf([begun], NOW)[0]).toMatchObject({
    what: "Deleted about 40 pictures",
    where: "with a",
    state: "running",
  });
  const stopped = line("1", "delete", 8, { stage: "stopped", report: {} });
  expect(recordedOf([stopped, begun], NOW)[0]).toMatchObject({
    what: "Deleted 8 pictures",
    state: "stopped",
    undo: "possible",
  });
});
