/** Changes of many pictures: what was typed, and the request that it becomes. */

import { api, body, type Job, type Schemas } from "@/api/client";
import { pictureOf, type Picture } from "@/api/pictures";

export const ACTIONS = {
  delete: "Delete",
  hide: "Hide",
  restore: "Restore",
  add_tags: "Add tags",
  remove_tags: "Remove tags",
  rename_tag: "Rename a tag",
} as const;
export type Action = keyof typeof ACTIONS;

export interface Change {
  action: Action;
  /** Tags that the pictures have, separated by commas. */
  withTags: string;
  source: string;
  artist: string;
  folder: string;
  rating: string;
  /** Tags to add, to remove, or the tag to rename. */
  tags: string;
  to: string;
}

export const NO_CHANGE: Change = {
  action: "delete",
  withTags: "",
  source: "",
  artist: "",
  folder: "",
  rating: "",
  tags: "",
  to: "",
};

/** What a change would do. */
export interface Preview {
  count: number;
  samples: Pick<Picture, "id" | "address">[];
}

/** The tags of a text, separated by commas. */
export function listed(text: string): string[] {
  const tags = text.split(",").map((tag) => tag.trim());
  return tags.filter((tag) => tag !== "");
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
  const filter = { tags: listed(change.withTags), ...Object.fromEntries(filled) };
  const { action } = change;
  switch (action) {
    case "add_tags":
    case "remove_tags":
      return { action, filter, tags: listed(change.tags) };
    case "rename_tag":
      return { action, filter, from: change.tags.trim(), to: change.to.trim() };
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
