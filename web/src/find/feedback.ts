/** Clicks and saves, from which the server learns an artist's preferences. */

import { create } from "zustand";

import { api, type Schemas } from "@/api/client";
import type { Picture } from "@/api/pictures";
import { fields, parsed, texts } from "@/lib/json";
import { shared } from "@/lib/tab-storage";
import { useSession } from "@/state/session";

interface Saved {
  ids: string[];
  add: (id: string) => void;
}

const SAVED = "clippy.saved";
const MOST_SAVED = 2000;

function readSaved(): string[] {
  const kept = parsed(shared.get(SAVED) ?? "null");
  // Earlier versions stored the list inside of a state object.
  return texts(Array.isArray(kept) ? kept : fields(fields(kept)["state"])["ids"]);
}

/** The saved pictures of all tabs: each tab adds to the list as it is now. */
export const useSaved = create<Saved>()((set) => ({
  ids: readSaved(),
  add: (id) => {
    const ids = [id, ...readSaved().filter((known) => known !== id)].slice(0, MOST_SAVED);
    shared.set(SAVED, JSON.stringify(ids));
    set({ ids });
  },
}));

shared.watch(SAVED, () => useSaved.setState({ ids: readSaved() }));

async function sendFeedback(picture: Picture, action: Schemas["ActionName"]): Promise<void> {
  const user_id = useSession.getState().artist;
  await api.POST("/api/feedback", { body: { user_id, image_id: picture.id, action } });
}

/** Reports that a picture was opened. A failure to do so is not worth a message. */
export function reportClick(picture: Picture): void {
  sendFeedback(picture, "click").catch(() => undefined);
}

export async function save(picture: Picture): Promise<void> {
  await sendFeedback(picture, "save");
  useSaved.getState().add(picture.id);
}
