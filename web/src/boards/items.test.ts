import { describe, expect, it } from "vitest";

import type { BoardItem } from "@/api/boards";
import { partOf, placeOf } from "@/state/place";

import { dropped } from "./items";

function item(id: string): BoardItem {
  return { id, role: "any", weight: 0.7, note: "", addedAt: "", picture: null };
}

const BOARD = { items: [item("1"), item("2")] };

describe("a drop on a board", () => {
  it("moves a picture of the board, and adds another one", () => {
    expect(dropped(BOARD, { id: "1" }, null)).toEqual([{ op: "move", id: "1" }]);
    expect(dropped(BOARD, { id: "2" }, "1")).toEqual([{ op: "move", id: "2", before: "1" }]);
    expect(dropped(BOARD, { id: "3" }, "1")).toEqual([{ op: "add", id: "3", before: "1" }]);
  });
});

describe("the address of a view", () => {
  it("names the view and a part of it", () => {
    expect([placeOf("#/boards/a%20b"), partOf("#/boards/a%20b")]).toEqual(["boards", "a b"]);
    expect([placeOf("#/boards"), partOf("#/boards")]).toEqual(["boards", ""]);
    expect([placeOf("#/nowhere/x"), partOf("#/shared/%")]).toEqual(["studio", ""]);
  });
});
