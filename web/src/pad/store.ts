/** The pad's state: the drawing with its history, and the tool in hand. */

import { create } from "zustand";

import { changed, EMPTY, type Change, type Drawing, type Layer } from "./drawing";
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
}

export const SMALLEST_BRUSH = 2;
export const LARGEST_BRUSH = 80;

export const usePad = create<PadState>()((set) => ({
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
}));

export function drawingNow(): Drawing {
  return usePad.getState().history.present;
}
