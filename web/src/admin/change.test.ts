import { expect, test } from "vitest";

import { missingOf, NO_CHANGE, requestOf, type Change } from "./change";

test("a change becomes a request with the fields that were filled in", () => {
  const typed: Change = {
    ...NO_CHANGE,
    action: "delete",
    withTags: ["kitten"],
    folder: " /art ",
    tags: ["cat", "pet"],
    to: ["x"],
  };
  expect(requestOf(typed)).toEqual({
    action: "delete",
    filter: { tags: ["kitten"], folder: "/art" },
  });
  expect(requestOf({ ...typed, action: "add_tags" })).toEqual({
    action: "add_tags",
    filter: { tags: ["kitten"], folder: "/art" },
    tags: ["cat", "pet"],
  });
  expect(requestOf({ ...NO_CHANGE, action: "rename_tag", tags: ["a"], to: ["b"] })).toEqual({
    action: "rename_tag",
    filter: { tags: [] },
    from: "a",
    to: "b",
  });
});

test("a change without tags or without pictures is not sent", () => {
  const of = (part: Partial<Change>) => missingOf({ ...NO_CHANGE, ...part });
  expect(of({ action: "delete" })).toMatch(/which pictures/);
  expect(of({ action: "delete", folder: "/art" })).toBeNull();
  expect(of({ action: "add_tags", withTags: ["kitten"] })).toMatch(/at least one tag/);
  expect(of({ action: "add_tags", tags: ["cat"] })).toMatch(/which pictures/);
  expect(of({ action: "add_tags", tags: ["cat"], withTags: ["kitten"] })).toBeNull();
  expect(of({ action: "remove_tags", tags: ["cat"] })).toBeNull();
  expect(of({ action: "rename_tag", tags: ["cat"] })).toMatch(/new name/);
  expect(of({ action: "rename_tag", tags: ["cat"], to: ["kitten"] })).toBeNull();
});
