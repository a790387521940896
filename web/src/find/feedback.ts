/** Clicks and saves, from which the server learns what an artist likes. */

import { create } from "zustand";

import { api } from "@/api/client";
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
  // Before, the list lay in an envelope.
  return texts(Array.isArray(kept) ? kept : fields(fields(kept)["state"])["ids"]);
}

/** What is saved in one tab is saved in all of them: each adds to the list as it is now. */
export const useSaved = create<Saved>()((set) => ({
  ids: readSaved(),
  add: (id) => {
    const ids = [id, ...readSaved().filter((known) => known !== id)].slice(0, MOST_SAVED);
    shared.set(SAVED, JSON.stringify(ids));
    set({ ids });
  },
}));

shared.watch(SAVED, () => useSaved.setState({ ids: readSaved() }));

async function tell(picture: Picture, action: "click" | "save"): Promise<void> {
  await api.POST("/api/feedback", { body: { user_id: useSession.getState().artist, image_id: picture.id, action } });
}

/** A look is worth telling, and not worth a word when it could not be told. */
export function looked(picture: Picture): void {
  tell(picture, "click").catch(() => undefined);
}

export async function save(picture: Picture): Promise<void> {
  await tell(picture, "save");
  useSaved.getState().add(picture.id);
}
