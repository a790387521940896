import { expect, test } from "vitest";

import type { Job } from "@/api/client";

import { nameOf } from "./names";
import { plainly } from "./results";

const TOTALS = { lines: 1, embedded: 1, unchanged: 0, duplicates: 0, skipped: 0, failed: 0 };

function job(kind: string, stage = "", result: object | null = null): Job {
  const progress = { done: 0, total: null, unit: "", stage, message: "" };
  const whole = result === null ? null : { totals: TOTALS, failures: [], ...result };
  return { kind, progress, result: whole } as unknown as Job;
}

test("a job is called by what it does, not by its kind", () => {
  const changes = { action: "delete", change: "x", changed: 1, unchanged: 0, restored: {} };
  expect(nameOf(job("backfill", "changing", { changes }))).toBe("Delete pictures");
  expect(nameOf(job("backfill", "changing"))).toBe("Change pictures");
  expect(nameOf(job("backfill", "changing"), "rename_tag")).toBe("Rename a tag");
  expect(nameOf(job("backfill", "", { tags: {} }))).toBe("Propose tags");
  expect(nameOf(job("backfill", "proposing"))).toBe("Propose tags");
  expect(nameOf(job("backfill", "grouping"))).toBe("Find styles");
  expect(nameOf(job("backfill", "placing"))).toBe("Make the map");
  expect(nameOf(job("ingest", "", { scan: {} }))).toBe("Add pictures");
  expect(nameOf(job("ingest", "embedding", {}))).toBe("Ingest");
  expect(nameOf(job("reindex"))).toBe("Re-index");
  expect(nameOf(job("backfill", "embedding"))).toBe("Backfill");
});

test("messages name files as they were sent", () => {
  const folder = "DATA_DIR/pictures/ed/ed3d377f-b083-8e75-b60a-ad5707bb07a4/";
  expect(plainly(`${folder}torn page.png: cut off`)).toBe("torn page.png: cut off");
  expect(plainly("DATA_DIR/added/fox.png: cut off")).toBe("DATA_DIR/added/fox.png: cut off");
});
