/** The state of the pad: the drawing with its history, and the current tool. */

import { create } from "zustand";

import { applyChange, EMPTY, type Change, type Drawing, type Layer } from "./drawing";
import { addStep, redo, startHistory, undo, type History } from "./history";

export type Tool = "brush" | "eraser";

export interface PadState {
  history: History<Drawing>;
  layer: Layer;
  tool: Tool;
  colour: string;
  size: number;
  /** False until the stored drawing is loaded, or known not to exist. */
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
  history: startHistory(EMPTY),
  layer: "line",
  tool: "brush",
  colour: "#1c1c1c",
  size: 7,
  ready: false,
  change: (change) =>
    set(({ history }) => ({ history: addStep(history, applyChange(history.present, change)) })),
  undo: () => set(({ history }) => ({ history: undo(history) })),
  redo: () => set(({ history }) => ({ history: redo(history) })),
  setLayer: (layer) =>
    set((state) => {
      if (layer === state.layer) return state;
      // Masks are painted with a broad brush, lines with a thin one.
      const size = layer === "mask" ? Math.max(state.size, 36) : Math.min(state.size, 14);
      return { layer, tool: "brush", size };
    }),
  setTool: (tool) => set({ tool }),
  setColour: (colour) => set({ colour, tool: "brush" }),
  setSize: (size) => {
    const whole = Math.round(size);
    set({ size: Math.min(LARGEST_BRUSH, Math.max(SMALLEST_BRUSH, whole)) });
  },
}));

export function drawingNow(): Drawing {
  return usePad.getState().history.present;
}
