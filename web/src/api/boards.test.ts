import { describe, expect, it } from "vitest";

import { applied, boardOf, byWeight, withPictures, type BoardItem, type Operation } from "./boards";
import { pictureOf } from "./pictures";

function item(id: string, part: Partial<BoardItem> = {}): BoardItem {
  return { id, role: "any", weight: 0.7, note: "", addedAt: "", picture: null, ...part };
}

const THREE = [item("1"), item("2"), item("3")];

function order(items: readonly BoardItem[]): string {
  return items.map(({ id }) => id).join(" ");
}

describe("a change that is shown before the server has it", () => {
  it.each<[Operation, string]>([
    [{ op: "add", id: "4" }, "1 2 3 4"],
    [{ op: "add", id: "4", first: true }, "4 1 2 3"],
    [{ op: "add", id: "4", before: "2" }, "1 4 2 3"],
    [{ op: "add", id: "2", first: true }, "1 2 3"],
    [{ op: "move", id: "3", before: "1" }, "3 1 2"],
    [{ op: "move", id: "1" }, "2 3 1"],
    [{ op: "move", id: "1", before: "1" }, "1 2 3"],
    [{ op: "move", id: "1", before: "9" }, "1 2 3"],
    [{ op: "move", id: "9" }, "1 2 3"],
    [{ op: "remove", id: "2" }, "1 3"],
    [{ op: "remove", id: "9" }, "1 2 3"],
  ])("%j", (operation, expected) => {
    expect(order(applied(THREE, [operation]))).toBe(expected);
  });

  it("has the given fields, and the picture that was added", () => {
    const picture = pictureOf("4", { subject: "cat" });
    const operations: Operation[] = [
      { op: "change", id: "2", note: "sky", role: "style" },
      { op: "add", id: "4", weight: 0.25 },
    ];
    const after = applied(THREE, operations, new Map([["4", picture]]));
    expect(after[1]).toMatchObject({ note: "sky", role: "style", weight: 0.7 });
    expect(after[3]).toMatchObject({ picture: { title: "cat" }, weight: 0.25 });
    expect(THREE[1]?.note).toBe("");
  });
});

describe("the answers about a board", () => {
  it("name ids as text, also those that no number of JavaScript is", () => {
    const id = "18446744073709551615";
    const board = boardOf({
      id: "b",
      name: "mine",
      saved: false,
      version: 3,
      created_at: "",
      changed_at: "",
      items: [
        // eslint-disable-next-line no-loss-of-precision -- as JSON.parse reads it
        { id: 18446744073709551615, picture: id, role: "any", weight: 1, note: "", added_at: "" },
      ],
      search: { like: [id], style_like: [] },
    });
    expect(board.items[0]?.id).toBe(id);
    expect(board.search.like).toEqual([id]);
  });

  it("without pictures take those that are known", () => {
    const picture = pictureOf("2", { subject: "cat" });
    const known = [item("2", { picture })];
    expect(withPictures(THREE, known).map((one) => one.picture?.title)).toEqual([
      undefined,
      "cat",
      undefined,
    ]);
  });
});

it("the heaviest pictures come first, and those without a weight are left out", () => {
  const items = [item("1", { weight: 0.2 }), item("2", { weight: 0 }), item("3")];
  expect(order(byWeight([...items, item("4")]))).toBe("3 4 1");
});
