/** The settings of the form that starts bulk work, and the requests that they become. */

import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import { api, body, type Job } from "@/api/client";
import { tabStorage } from "@/lib/tab-storage";

export const WORKS = ["ingest", "backfill", "reindex"] as const;
export type Work = (typeof WORKS)[number];

/** The vectors that a backfill may fill, with their labels. */
export const WHICH = {
  all: "all vectors",
  image: "image",
  edge: "edge",
  text: "text",
  both: "image and edge",
} as const;
export type Which = keyof typeof WHICH;

export interface Plan {
  work: Work;
  manifest: string;
  imagesRoot: string;
  which: Which;
  force: boolean;
  noText: boolean;
  dryRun: boolean;
  model: string;
  pretrained: string;
  rollback: boolean;
}

const INITIAL: Plan = {
  work: "backfill",
  manifest: "",
  imagesRoot: "",
  which: "all",
  force: false,
  noText: false,
  dryRun: false,
  model: "",
  pretrained: "",
  rollback: false,
};

export const usePlan = create<Plan & { set: (part: Partial<Plan>) => void }>()(
  persist((set) => ({ ...INITIAL, set: (part) => set(part) }), {
    name: "clippy.plan",
    version: 1,
    storage: createJSONStorage(() => tabStorage),
  }),
);

/** Whether the work reads a manifest. */
export function readsManifest({ work }: Plan): boolean {
  return work !== "reindex";
}

/** Starts the work. The key prevents that a double click starts it twice. */
export async function startWork(plan: Plan, idempotencyKey: string): Promise<Job> {
  const params = { header: { "Idempotency-Key": idempotencyKey } };
  const manifest = { manifest: plan.manifest.trim(), ...filled("images_root", plan.imagesRoot) };
  switch (plan.work) {
    case "ingest": {
      const request = { ...manifest, no_text: plan.noText, dry_run: plan.dryRun };
      return body(await api.POST("/api/admin/ingest", { params, body: request }));
    }
    case "backfill": {
      const request = { ...manifest, which: plan.which, force_all: plan.force };
      return body(await api.POST("/api/admin/backfill", { params, body: request }));
    }
    case "reindex": {
      const model = { ...filled("model", plan.model), ...filled("pretrained", plan.pretrained) };
      const request = { rollback: plan.rollback, ...(plan.rollback ? {} : model) };
      return body(await api.POST("/api/admin/reindex", { params, body: request }));
    }
  }
}

export interface FolderToAdd {
  folder: string;
  tagsFromFolders: boolean;
  dryRun: boolean;
}

/** Adds the pictures of a folder. The key prevents a double click from starting it twice. */
export async function addFolder(wanted: FolderToAdd, idempotencyKey: string): Promise<Job> {
  const params = { header: { "Idempotency-Key": idempotencyKey } };
  const request = {
    paths: [wanted.folder.trim()],
    tags_from_folders: wanted.tagsFromFolders,
    dry_run: wanted.dryRun,
  };
  return body(await api.POST("/api/admin/add", { params, body: request }));
}

export interface TagsToFetch {
  /** One tag a line. */
  tags: string;
  name: string;
  ingest: boolean;
}

/** The tags of a text with one tag a line. */
export function tagLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Fetches the pictures of tags. The key prevents a double click from starting it twice. */
export async function fetchTags(wanted: TagsToFetch, idempotencyKey: string): Promise<Job> {
  const params = { header: { "Idempotency-Key": idempotencyKey } };
  const request = {
    tags: tagLines(wanted.tags),
    union: true,
    ingest: wanted.ingest,
    ...filled("name", wanted.name),
  };
  return body(await api.POST("/api/admin/fetch", { params, body: request }));
}

/** A field of a request, unless nothing was typed into it. */
function filled<Name extends string>(name: Name, typed: string): Partial<Record<Name, string>> {
  const value = typed.trim();
  return value === "" ? {} : ({ [name]: value } as Record<Name, string>);
}
