import { expect, test } from "vitest";

import { listed, NO_CHANGE, requestOf } from "./change";

test("tags are separated by commas, and empty ones are left out", () => {
  expect(listed(" red fox,, ink ,")).toEqual(["red fox", "ink"]);
});

test("a change becomes a request with the fields that were filled in", () => {
  const typed = { ...NO_CHANGE, withTags: "kitten", folder: " /art ", tags: "cat, pet", to: "x" };
  expect(requestOf(typed)).toEqual({
    action: "delete",
    filter: { tags: ["kitten"], folder: "/art" },
  });
  expect(requestOf({ ...typed, action: "add_tags" })).toEqual({
    action: "add_tags",
    filter: { tags: ["kitten"], folder: "/art" },
    tags: ["cat", "pet"],
  });
  expect(requestOf({ ...NO_CHANGE, action: "rename_tag", tags: "a", to: " b" })).toEqual({
    action: "rename_tag",
    filter: { tags: [] },
    from: "a",
    to: "b",
  });
});
