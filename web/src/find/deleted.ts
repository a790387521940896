/** Deleting pictures from the search, and undoing that and edits. */

import { deletePicture, restorePictures, undoChange } from "@/api/changes";
import type { Job } from "@/api/client";
import { Problem } from "@/api/problem";
import { refreshGallery } from "@/api/queries";
import { ended } from "@/jobs/store";
import { uniqueId } from "@/lib/id";

/** Deletes a picture. Searches do not find it any more. */
export async function remove(id: string): Promise<void> {
  await deletePicture(id);
  refreshGallery();
}

/** Puts a deleted picture back. Returns when searches find it again. */
export async function putBack(id: string): Promise<void> {
  await done(await restorePictures([id], uniqueId()));
}

/** Undoes a change. Returns when it is undone. */
export async function undo(change: string): Promise<void> {
  await done(await undoChange(change, uniqueId()));
}

/** Waits for a job. One that did not succeed is thrown. */
async function done(job: Job): Promise<void> {
  const { state, error } = await ended(job);
  if (state === "succeeded") return;
  const { code, message } = error ?? { code: "cancelled", message: "It was cancelled." };
  throw new Problem(0, code, message, "Not undone");
}
