/**
 * The drawing and the references that an earlier version of this page stored for all tabs together.
 * They are imported once.
 */

import { del, get } from "idb-keyval";

import { fields, list, parsed } from "@/lib/json";
import { EMPTY } from "@/pad/drawing";
import { startHistory } from "@/pad/history";
import { restored } from "@/pad/restored";
import { isReference } from "@/references/store";

import type { Content } from "./keep";

const DRAWING = "clippy.drawing";
const TRAY = "clippy.tray";

interface Older {
  content: Content;
  /** Deletes what the earlier version stored. */
  forget: () => Promise<void>;
}

export async function olderContent(): Promise<Older | null> {
  const drawing = restored(await get<unknown>(DRAWING));
  const tray = await get<unknown>(TRAY);
  const state = fields(fields(typeof tray === "string" ? parsed(tray) : null)["state"]);
  const references = list(state["references"]).filter(isReference);
  if (drawing === null && references.length === 0) return null;
  return {
    content: { history: startHistory(drawing ?? EMPTY), references },
    forget: async () => {
      await del(DRAWING);
      await del(TRAY);
    },
  };
}
