/** Clicks and saves, from which the server learns what an artist likes. */

import { create } from "zustand";
import { persist } from "zustand/middleware";

import { api } from "@/api/client";
import type { Picture } from "@/api/pictures";
import { useSession } from "@/state/session";

interface Saved {
  ids: string[];
  add: (id: string) => void;
}

export const useSaved = create<Saved>()(
  persist(
    (set) => ({ ids: [], add: (id) => set(({ ids }) => ({ ids: [id, ...ids.filter((known) => known !== id)].slice(0, 2000) })) }),
    { name: "clippy.saved", version: 1 },
  ),
);

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
