/** Corrections of one picture, and undoing changes of pictures. */

import { api, body, type Job, type Schemas } from "./client";

/**
 * Starts to put pictures back as they were before the change of this job or call. The key prevents
 * a double click from starting it twice.
 */
export function undoChange(change: string, idempotencyKey: string): Promise<Job> {
  return restore({ change }, idempotencyKey);
}

/** Starts to put deleted pictures back, whichever change deleted them. */
export function restorePictures(ids: readonly string[], idempotencyKey: string): Promise<Job> {
  return restore({ ids: [...ids] }, idempotencyKey);
}

async function restore(filter: Schemas["FilterBody"], idempotencyKey: string): Promise<Job> {
  const params = { header: { "Idempotency-Key": idempotencyKey } };
  const request: Schemas["ChangeBody"] = { action: "restore", filter };
  return body(await api.POST("/api/pictures/bulk", { params, body: request })) as Job;
}

type OnePicture = Schemas["OnePictureResponse"];

/** Replaces the tags of a picture. */
export async function setTags(id: string, tags: readonly string[]): Promise<OnePicture> {
  const call = { params: { path: { id } }, body: { tags: [...tags] } };
  return body(await api.PATCH("/api/pictures/{id}", call));
}

export async function deletePicture(id: string): Promise<OnePicture> {
  return body(await api.DELETE("/api/pictures/{id}", { params: { path: { id } } }));
}
