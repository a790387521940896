/**
 * Hearts and clicks. A heart puts a picture on the board *Saved*. The server learns an artist's
 * preferences from both.
 */

import { addAll, SAVED } from "@/api/boards";
import { api, type Schemas } from "@/api/client";
import type { Picture } from "@/api/pictures";
import { change, isSaved, refreshBoards } from "@/api/use-boards";
import { fields, parsed, texts } from "@/lib/json";
import { shared } from "@/lib/tab-storage";
import { useSession } from "@/state/session";

async function sendFeedback(id: string, action: Schemas["ActionName"]): Promise<void> {
  const user_id = useSession.getState().artist;
  await api.POST("/api/feedback", { body: { user_id, image_id: id, action } });
}

/** Reports that a picture was opened. A failure to do so is not worth a message. */
export function reportClick({ id }: Picture): void {
  sendFeedback(id, "click").catch(() => undefined);
}

/** Puts a picture on *Saved*, or takes it off again. */
export async function toggleSaved(picture: Picture): Promise<void> {
  const { id } = picture;
  if (isSaved(id)) {
    await change(SAVED, [{ op: "remove", id }]);
    return;
  }
  await change(SAVED, [{ op: "add", id, first: true }], [picture]);
  // The picture is saved, whether or not the server learned from it.
  sendFeedback(id, "save").catch(() => undefined);
}

/** Where earlier versions kept the saved pictures: in this browser, the newest first. */
const EARLIER = "clippy.saved";

/** Puts the pictures that an earlier version saved in this browser on *Saved*. */
export async function moveEarlierSaves(): Promise<void> {
  const kept = parsed(shared.get(EARLIER) ?? "null");
  // The oldest versions stored the list inside of a state object.
  const ids = texts(Array.isArray(kept) ? kept : fields(fields(kept)["state"])["ids"]);
  if (ids.length > 0) {
    await addAll(SAVED, ids);
    refreshBoards();
  }
  shared.set(EARLIER, null);
}
