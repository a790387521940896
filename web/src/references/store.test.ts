import { beforeEach, describe, expect, it } from "vitest";

import { MOST_REFERENCES, useReferences } from "./store";

const one = (id: number) => ({
  source: { kind: "gallery", id: String(id) } as const,
  title: `picture ${id}`,
});
const { add, remove, clear, putBack, replace } = useReferences.getState();
const fill = () => Array.from({ length: MOST_REFERENCES }, (_, id) => add(one(id)));

beforeEach(() => replace([]));

describe("the references", () => {
  it("say that there is no room for one more, until there is", () => {
    fill();
    expect(useReferences.getState().refused).toBe(false);
    add(one(99));
    expect(useReferences.getState().references).toHaveLength(MOST_REFERENCES);
    expect(useReferences.getState().refused).toBe(true);
    remove(useReferences.getState().references[0]?.key ?? "");
    expect(useReferences.getState().refused).toBe(false);
    add(one(99));
    expect(useReferences.getState().references.at(-1)?.title).toBe("picture 99");
  });

  it("have room for a listed one, which changes its role", () => {
    fill();
    add({ ...one(3), role: "subject" });
    const { references, refused } = useReferences.getState();
    expect(refused).toBe(false);
    expect(references[3]?.role).toBe("subject");
  });

  it("can be put back after all were removed, until another one is added", () => {
    fill();
    const before = useReferences.getState().references;
    clear();
    expect(useReferences.getState().references).toEqual([]);
    putBack();
    expect(useReferences.getState().references).toEqual(before);
    clear();
    add(one(99));
    expect(useReferences.getState().removed).toEqual([]);
  });

  it("of another drawing are not mixed with those that were removed", () => {
    fill();
    clear();
    replace([]);
    expect(useReferences.getState().removed).toEqual([]);
  });
});
