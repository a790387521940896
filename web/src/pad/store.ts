/** The pad's state: the drawing with its history, the tool in hand; kept in the browser's database. */

import { get, set as keep } from "idb-keyval";
import { create } from "zustand";

import { changed, EMPTY, restored, type Change, type Drawing, type Layer } from "./drawing";
import { advanced, begun, redone, undone, type History } from "./history";

export type Tool = "brush" | "eraser";

export interface PadState {
  history: History<Drawing>;
  layer: Layer;
  tool: Tool;
  colour: string;
  size: number;
  /** False until the kept drawing is back, or known to be none. */
  ready: boolean;
  change: (change: Change) => void;
  undo: () => void;
  redo: () => void;
  setLayer: (layer: Layer) => void;
  setTool: (tool: Tool) => void;
  setColour: (colour: string) => void;
  setSize: (size: number) => void;
  restore: () => Promise<void>;
}

export const SMALLEST_BRUSH = 2;
export const LARGEST_BRUSH = 80;
const KEY = "clippy.drawing";

export const usePad = create<PadState>()((set, read) => ({
  history: begun(EMPTY),
  layer: "line",
  tool: "brush",
  colour: "#1c1c1c",
  size: 7,
  ready: false,
  change: (change) => set(({ history }) => ({ history: advanced(history, changed(history.present, change)) })),
  undo: () => set(({ history }) => ({ history: undone(history) })),
  redo: () => set(({ history }) => ({ history: redone(history) })),
  setLayer: (layer) =>
    set((state) =>
      layer === state.layer ? state : { layer, tool: "brush", size: layer === "mask" ? Math.max(state.size, 36) : Math.min(state.size, 14) },
    ),
  setTool: (tool) => set({ tool }),
  setColour: (colour) => set({ colour, tool: "brush" }),
  setSize: (size) => set({ size: Math.min(LARGEST_BRUSH, Math.max(SMALLEST_BRUSH, Math.round(size))) }),
  restore: async () => {
    if (read().ready) return;
    let drawing: Drawing | null = null;
    try {
      drawing = restored(await get<unknown>(KEY));
    } catch {
      // Private windows may have no database: the drawing is then kept for as long as the page is open.
    }
    const untouched = read().history.past.length === 0;
    set(drawing !== null && untouched ? { history: begun(drawing), ready: true } : { ready: true });
  },
}));

/** Writes one after the other, always the newest: strokes come faster than databases write. */
let writing = false;
let waiting: Drawing | null = null;

async function write(drawing: Drawing): Promise<void> {
  waiting = drawing;
  if (writing) return;
  writing = true;
  try {
    while (waiting !== null) {
      const next: Drawing = waiting;
      waiting = null;
      await keep(KEY, next);
    }
  } catch {
    // As above: a page without a database works, it only forgets.
  } finally {
    writing = false;
  }
}

usePad.subscribe((state, before) => {
  if (state.ready && before.ready && state.history.present !== before.history.present) void write(state.history.present);
});

export function drawingNow(): Drawing {
  return usePad.getState().history.present;
}
