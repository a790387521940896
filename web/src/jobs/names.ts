/** What jobs are called. A kind of job does several things: its result or its stage tells which. */

import type { Job } from "@/api/client";

import { bulkResultOf } from "./results";

const KINDS: Readonly<Record<string, string>> = {
  generate: "Generate",
  ingest: "Ingest",
  backfill: "Backfill",
  reindex: "Re-index",
  fetch: "Fetch",
};

/** Changes of many pictures, by their action. */
const CHANGES: Readonly<Record<string, string>> = {
  delete: "Delete pictures",
  hide: "Hide pictures",
  restore: "Restore pictures",
  add_tags: "Add tags",
  remove_tags: "Remove tags",
  rename_tag: "Rename a tag",
};

/** The stages that only one task has. */
const STAGES: Readonly<Record<string, string>> = {
  changing: "Change pictures",
  scanning: "Add pictures",
  grouping: "Find styles",
  arranging: "Make the map",
  reading: "Make the map",
  placing: "Make the map",
  "reading words": "Propose tags",
  "learning from tags": "Propose tags",
  proposing: "Propose tags",
  accepting: "Propose tags",
};

/**
 * The name of a job. `action` is the action of a change of many pictures, where it is known before
 * the job's result is.
 */
export function nameOf(job: Pick<Job, "kind" | "progress" | "result">, action?: string): string {
  const result = bulkResultOf(job);
  const change = result?.changes?.action ?? action;
  if (change !== undefined) return CHANGES[change] ?? "Change pictures";
  if (result?.tags != null) return "Propose tags";
  if (result?.scan != null) return "Add pictures";
  return STAGES[job.progress.stage] ?? KINDS[job.kind] ?? job.kind;
}
