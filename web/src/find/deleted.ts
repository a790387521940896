/** The pictures that were deleted in this tab, so that they can be put back from here. */

import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import { deletePicture, undoChange } from "@/api/changes";
import type { Picture } from "@/api/pictures";
import { Problem } from "@/api/problem";
import { refreshGallery } from "@/api/queries";
import { ended } from "@/jobs/store";
import { uniqueId } from "@/lib/id";
import { tabOnly } from "@/lib/tab-storage";

interface Deleted {
  /** The id of the deletion of each picture. */
  changes: Readonly<Record<string, string>>;
}

export const useDeleted = create<Deleted>()(
  persist((): Deleted => ({ changes: {} }), {
    name: "clippy.deleted",
    version: 1,
    storage: createJSONStorage(() => ({
      getItem: tabOnly.get,
      setItem: tabOnly.set,
      removeItem: (name) => tabOnly.set(name, null),
    })),
  }),
);

/** Deletes a picture. Searches do not find it any more. */
export async function remove({ id }: Pick<Picture, "id">): Promise<void> {
  const { change } = await deletePicture(id);
  if (change == null) return;
  useDeleted.setState(({ changes }) => ({ changes: { ...changes, [id]: change } }));
  refreshGallery();
}

/** Puts a picture back that was deleted in this tab. */
export async function putBack(id: string): Promise<void> {
  const change = useDeleted.getState().changes[id];
  if (change === undefined) return;
  await undo(change);
  useDeleted.setState(({ changes }) => ({
    changes: Object.fromEntries(Object.entries(changes).filter(([known]) => known !== id)),
  }));
}

/** Undoes a change, and returns when it is undone. */
export async function undo(change: string): Promise<void> {
  const job = await ended(await undoChange(change, uniqueId()));
  if (job.state === "succeeded") return;
  const { code, message } = job.error ?? { code: "cancelled", message: "It was cancelled." };
  throw new Problem(0, code, message, "Not undone");
}
