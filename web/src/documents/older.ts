/** What an earlier version of this page kept: one drawing and one list of references for all tabs. It is taken over once. */

import { del, get } from "idb-keyval";

import { fields, list, parsed } from "@/lib/json";
import { EMPTY, restored } from "@/pad/drawing";
import { begun } from "@/pad/history";
import { isReference } from "@/tray/tray";

import type { Content } from "./keep";

const DRAWING = "clippy.drawing";
const TRAY = "clippy.tray";

export async function olderContent(): Promise<{ content: Content; forget: () => Promise<void> } | null> {
  const drawing = restored(await get<unknown>(DRAWING));
  const tray = await get<unknown>(TRAY);
  const state = fields(fields(typeof tray === "string" ? parsed(tray) : null)["state"]);
  const references = list(state["references"]).filter(isReference);
  if (drawing === null && references.length === 0) return null;
  return {
    content: { history: begun(drawing ?? EMPTY), references },
    forget: async () => {
      await del(DRAWING);
      await del(TRAY);
    },
  };
}
