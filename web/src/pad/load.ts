/** Loads pictures as the base of the drawing. */

import { request } from "@/api/client";
import { at } from "@/lib/address";

import { baseOf } from "./paint";
import { usePad } from "./store";

export async function loadBase(file: Blob, name: string): Promise<void> {
  usePad.getState().change({ type: "base", base: await baseOf(file, name) });
}

/** Loads a picture of the server, from the gallery or from a job. */
export async function loadBaseFrom(path: string, name: string): Promise<void> {
  const response = await request(new Request(at(path)));
  await loadBase(await response.blob(), name);
}
