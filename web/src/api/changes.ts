/** Undoing changes of pictures. */

import { api, body, type Job, type Schemas } from "./client";

/**
 * Starts to put pictures back as they were before the change of this job or call. The key prevents
 * a double click from starting it twice.
 */
export async function undoChange(change: string, idempotencyKey: string): Promise<Job> {
  const params = { header: { "Idempotency-Key": idempotencyKey } };
  const request: Schemas["ChangeBody"] = { action: "restore", filter: { change } };
  return body(await api.POST("/api/pictures/bulk", { params, body: request })) as Job;
}
