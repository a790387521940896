/** The state of the pad: the drawing with its history, the current tool, and what is shown. */

import { create } from "zustand";

import { uniqueId } from "@/lib/id";

import { applyChange, EMPTY, movedId, type Change, type Drawing } from "./drawing";
import { addStep, redo, startHistory, undo, type History } from "./history";
import { layerToDraw, MASK } from "./layers";
import { wholePaper, type View } from "./view";

export type Tool = "brush" | "eraser" | "line" | "rectangle" | "ellipse" | "fill" | "lasso";

export interface PadState {
  history: History<Drawing>;
  /** The id of the wanted layer, which may have been removed since: see `currentLayer`. */
  layer: string;
  /** The layer of lines that was drawn on last. */
  lines: string;
  tool: Tool;
  colour: string;
  size: number;
  /** The size that the mask's brush had while lines are drawn, and the other way round. */
  otherSize: number;
  /** The ids of the selected strokes. */
  selection: ReadonlySet<string>;
  view: View;
  /** False until the stored drawing is loaded, or known not to exist. */
  ready: boolean;
  change: (change: Change) => void;
  /** The same, as one step with the change before: for values that change while a hand moves. */
  adjust: (change: Change) => void;
  undo: () => void;
  redo: () => void;
  /** Chooses a layer by its id. */
  setLayer: (layer: string) => void;
  /** Chooses the layer of lines that was drawn on last. */
  toLines: () => void;
  setTool: (tool: Tool) => void;
  setColour: (colour: string) => void;
  setSize: (size: number) => void;
  select: (strokes: Iterable<string>) => void;
  /** Moves the selected strokes, which stay selected. */
  moveSelection: (right: number, down: number) => void;
  removeSelection: () => void;
  look: (view: View) => void;
}

export const SMALLEST_BRUSH = 2;
export const LARGEST_BRUSH = 80;
const NONE: ReadonlySet<string> = new Set();

/** The step that `adjust` made last. */
let adjusted: Drawing | null = null;

export const usePad = create<PadState>()((set, read) => ({
  history: startHistory(EMPTY),
  layer: "line",
  lines: "line",
  tool: "brush",
  colour: "#1c1c1c",
  size: 7,
  // Masks are painted with a broad brush, lines with a thin one.
  otherSize: 36,
  selection: NONE,
  view: wholePaper(EMPTY),
  ready: false,
  change: (change) =>
    set(({ history }) => ({ history: addStep(history, applyChange(history.present, change)) })),
  adjust: (change) =>
    set(({ history }) => {
      const present = applyChange(history.present, change);
      const continues = adjusted === history.present && present !== adjusted;
      adjusted = present;
      return { history: continues ? { ...history, present } : addStep(history, present) };
    }),
  undo: () => set(({ history }) => ({ history: undo(history), selection: NONE })),
  redo: () => set(({ history }) => ({ history: redo(history), selection: NONE })),
  setLayer: (layer) =>
    set((state) => {
      if (layer === state.layer) return state;
      const lines = layer === MASK ? state.lines : layer;
      const between = (layer === MASK) === (state.layer === MASK);
      if (between) return { layer, lines, selection: NONE };
      const { size: otherSize, otherSize: size } = state;
      return { layer, lines, tool: "brush", size, otherSize, selection: NONE };
    }),
  toLines: () => read().setLayer(read().lines),
  setTool: (tool) => set(tool === "lasso" ? { tool } : { tool, selection: NONE }),
  setColour: (colour) =>
    set(({ tool }) => ({
      colour,
      tool: tool === "eraser" || tool === "lasso" ? "brush" : tool,
      selection: NONE,
    })),
  setSize: (size) => {
    const whole = Math.round(size);
    set({ size: Math.min(LARGEST_BRUSH, Math.max(SMALLEST_BRUSH, whole)) });
  },
  select: (strokes) => set({ selection: new Set(strokes) }),
  moveSelection: (right, down) => {
    if (right === 0 && down === 0) return;
    const { selection, change } = read();
    const mark = uniqueId();
    change({ type: "move", strokes: selection, right, down, mark });
    set({ selection: new Set([...selection].map((id) => movedId(id, mark))) });
  },
  removeSelection: () => {
    const { selection, change } = read();
    change({ type: "remove", strokes: selection });
    set({ selection: NONE });
  },
  look: (view) => set({ view }),
}));

export function drawingNow(): Drawing {
  return usePad.getState().history.present;
}

/** The id of the layer that is drawn on. */
export function currentLayer({ history, layer }: Pick<PadState, "history" | "layer">): string {
  return layerToDraw(history.present.layers, layer);
}
