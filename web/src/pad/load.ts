/** Loads pictures as the base of the drawing. */

import { request } from "@/api/client";
import { at } from "@/lib/address";

import type { Base, MadePlace } from "./drawing";
import { baseOf } from "./paint";
import { usePad } from "./store";

export async function loadBase(file: Blob, name: string): Promise<void> {
  usePad.getState().change({ type: "base", base: await baseOf(file, name) });
}

/** A file of the server. */
export async function fileAt(path: string): Promise<Blob> {
  const response = await request(new Request(at(path)));
  return response.blob();
}

/** A picture of the server as a base. `from` names it, if it was generated. */
export async function baseAt(path: string, name: string, from?: MadePlace): Promise<Base> {
  const base = await baseOf(await fileAt(path), name);
  return from === undefined ? base : { ...base, from };
}

/** Loads a picture of the server as the base, from the gallery or from a job. */
export async function loadBaseFrom(path: string, name: string, from?: MadePlace): Promise<void> {
  usePad.getState().change({ type: "base", base: await baseAt(path, name, from) });
}
