/** Changes of many pictures: what was typed, and the request that it becomes. */

import { api, body, type Job, type Schemas } from "@/api/client";
import { pictureOf, type Picture } from "@/api/pictures";

/** What can be done, and how its button is labelled with the number of pictures. */
export const ACTIONS = {
  add_tags: { label: "Add tags", does: (many: string) => `Add tags to ${many}` },
  remove_tags: { label: "Remove tags", does: (many: string) => `Remove tags from ${many}` },
  rename_tag: { label: "Rename a tag", does: (many: string) => `Rename the tag of ${many}` },
  delete: { label: "Delete pictures", does: (many: string) => `Delete ${many}` },
  hide: { label: "Hide pictures", does: (many: string) => `Hide ${many}` },
  restore: { label: "Restore pictures", does: (many: string) => `Restore ${many}` },
} as const;

export type Action = keyof typeof ACTIONS;

/** Actions after which pictures are not found any more. */
export function isRemoval(action: Action): boolean {
  return action === "delete" || action === "hide";
}

export interface Change {
  action: Action;
  /** Tags that the pictures have. */
  withTags: readonly string[];
  source: string;
  artist: string;
  folder: string;
  rating: string;
  /** Tags to add, to remove, or the tag to rename. */
  tags: readonly string[];
  /** The new name of the tag; at most one. */
  to: readonly string[];
}

export const NO_CHANGE: Change = {
  action: "add_tags",
  withTags: [],
  source: "",
  artist: "",
  folder: "",
  rating: "",
  tags: [],
  to: [],
};

/** What a change would do. */
export interface Preview {
  count: number;
  samples: Pick<Picture, "id" | "address">[];
}

/** The request of a change. */
export function requestOf(change: Change): Schemas["ChangeBody"] {
  const texts = {
    source: change.source.trim(),
    artist: change.artist.trim(),
    folder: change.folder.trim(),
    rating: change.rating.trim(),
  };
  const filled = Object.entries(texts).filter(([, value]) => value !== "");
  const filter = { tags: [...change.withTags], ...Object.fromEntries(filled) };
  const { action, tags, to } = change;
  switch (action) {
    case "add_tags":
    case "remove_tags":
      return { action, filter, tags: [...tags] };
    case "rename_tag":
      return { action, filter, from: tags[0] ?? "", to: to[0] ?? "" };
    case "delete":
    case "hide":
    case "restore":
      return { action, filter };
  }
}

/** Counts the pictures of a change, and returns some. */
export async function previewChange(change: Change): Promise<Preview> {
  const request = { ...requestOf(change), dry_run: true };
  const answer = body(await api.POST("/api/pictures/bulk", { body: request }));
  if (!("samples" in answer)) return { count: 0, samples: [] };
  const samples = answer.samples.map(({ id, image_url }) => {
    const picture = pictureOf(id, { image_url });
    return { id: picture.id, address: picture.address };
  });
  return { count: answer.count, samples };
}

/** Starts a change. The key prevents a double click from starting it twice. */
export async function startChange(change: Change, idempotencyKey: string): Promise<Job> {
  const params = { header: { "Idempotency-Key": idempotencyKey } };
  const request = { params, body: requestOf(change) };
  return body(await api.POST("/api/pictures/bulk", request)) as Job;
}

/** Why a change cannot be shown or started yet, or null. */
export function missingOf({ action, withTags, tags, to, ...texts }: Change): string | null {
  if (action === "rename_tag") {
    return tags.length === 0 || to.length === 0 ? "Enter the tag and its new name." : null;
  }
  if ((action === "add_tags" || action === "remove_tags") && tags.length === 0) {
    return "Enter at least one tag.";
  }
  if (action === "remove_tags") return null;
  const filled = [texts.source, texts.artist, texts.folder, texts.rating];
  const selects = withTags.length > 0 || filled.some((value) => value.trim() !== "");
  return selects ? null : "Choose which pictures: fill in at least one field.";
}
