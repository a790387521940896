import { useEffect } from "react";

import { placeOf } from "@/state/place";

import { boundsOf } from "./lasso";
import { currentLayer, drawingNow, usePad, type Tool } from "./store";
import { showWhole, zoomBy } from "./zoom-steps";

export const SHORTCUTS: readonly (readonly [keys: string, action: string])[] = [
  ["B", "Brush"],
  ["E", "Eraser"],
  ["N  R  O", "Straight line, rectangle, ellipse (with Shift: in steps of 45°, square, circle)"],
  ["G", "Fill an area"],
  ["S", "Select with the lasso; drag what is selected to move it"],
  ["Ctrl A", "Select all of the layer"],
  ["Arrows", "Move what is selected, with Shift by 10; else move the zoomed paper"],
  ["Delete  Escape", "Remove what is selected, select nothing"],
  ["+  −  0", "Zoom in, zoom out, show the whole paper"],
  ["Wheel, or two fingers", "Zoom; with Shift the wheel moves the paper sideways"],
  ["Space and drag", "Move the zoomed paper"],
  ["[  and  ]", "Smaller and larger brush"],
  ["L", "Select the line layer"],
  ["M", "Select the mask layer"],
  ["Ctrl Z", "Undo"],
  ["Ctrl Shift Z", "Redo"],
  ["Shift Delete", "Clear the layer"],
  ["Ctrl V", "Paste a picture as the base"],
  ["/", "Search by words, from any page"],
  ["←  and  →", "In the details: previous and next picture"],
  ["Arrows  Enter  L", "On the map: go to a picture, show its details, lasso"],
  ["?", "Show keyboard shortcuts"],
];

/** Inputs that take no text. */
const NO_TEXT = /^(?:button|checkbox|color|file|radio|range|reset|submit)$/;

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !NO_TEXT.test(target.type);
  return target.isContentEditable || /^(textarea|select)$/i.test(target.tagName);
}

/** Whether a dialog covers the page. Popovers have the same role and cover nothing. */
function isCovered(): boolean {
  const dialogs = document.querySelectorAll('[role="dialog"]');
  return [...dialogs].some((dialog) => dialog.closest(POPOVER) === null);
}

const POPOVER = "[data-radix-popper-content-wrapper]";

interface Everywhere {
  onHelp: () => void;
  onSearch: () => void;
}

/**
 * Keyboard shortcuts, except while a field has the focus or a dialog is open. Those of the pad work
 * where the pad is shown: an undo that nobody sees would be a surprise later.
 */
export function useShortcuts({ onHelp, onSearch }: Everywhere): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (typing(event.target) || event.altKey || isCovered()) return;
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      const everywhere: Record<string, () => void> = command ? {} : { "/": onSearch, "?": onHelp };
      const inStudio = placeOf(window.location.hash) === "studio";
      const action = everywhere[key] ?? (inStudio ? padAction(key, command, event) : undefined);
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [onHelp, onSearch]);
}

const TOOLS: Readonly<Record<string, Tool>> = {
  b: "brush",
  e: "eraser",
  n: "line",
  r: "rectangle",
  o: "ellipse",
  g: "fill",
  s: "lasso",
};

function padAction(
  key: string,
  command: boolean,
  event: KeyboardEvent,
): (() => void) | undefined {
  const pad = usePad.getState();
  const { shiftKey } = event;
  const tool = TOOLS[key];
  if (tool !== undefined && !command) return () => pad.setTool(tool);
  const selected = pad.selection.size > 0;
  const actions: Record<string, () => void> = command
    ? { z: shiftKey ? pad.redo : pad.undo, y: pad.redo, ...(isFree(event) && { a: selectAll }) }
    : {
        l: pad.toLines,
        m: () => pad.setLayer("mask"),
        "[": () => pad.setSize(pad.size - (pad.size > 20 ? 4 : 1)),
        "]": () => pad.setSize(pad.size + (pad.size >= 20 ? 4 : 1)),
        "+": () => zoomBy(1),
        "=": () => zoomBy(1),
        "-": () => zoomBy(-1),
        "0": showWhole,
        ...(selected && { escape: () => pad.select([]) }),
        ...(shiftKey
          ? { delete: () => pad.change({ type: "clear", layer: currentLayer(pad) }) }
          : selected && { delete: pad.removeSelection, backspace: pad.removeSelection }),
        ...arrows(event),
      };
  return actions[key];
}

/** Whether a key belongs to no control: nothing has the focus, or something of the pad. */
function isFree({ target }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return true;
  if (target === document.body || target.id === "main") return true;
  return (
    target.closest("[data-pad]") !== null &&
    target.closest("input, [role=slider], [role=radio], [role=radiogroup]") === null
  );
}

/** How far an arrow moves the zoomed paper, as a part of what is shown. */
const PART = 0.1;

function arrows(event: KeyboardEvent): Record<string, () => void> {
  const pad = usePad.getState();
  const { selection, view } = pad;
  if (!isFree(event) || (selection.size === 0 && view.zoom === 1)) return {};
  const step = event.shiftKey ? 10 : 1;
  const { width, height } = drawingNow();
  const go = (right: number, down: number) => () => {
    if (boundsOf(drawingNow(), selection) !== null) {
      pad.moveSelection(right * step, down * step);
      return;
    }
    const part = (PART * step) / view.zoom;
    pad.look({ ...view, x: view.x + right * part * width, y: view.y + down * part * height });
  };
  return {
    arrowleft: go(-1, 0),
    arrowright: go(1, 0),
    arrowup: go(0, -1),
    arrowdown: go(0, 1),
  };
}

function selectAll(): void {
  const pad = usePad.getState();
  const layer = currentLayer(pad);
  const strokes = drawingNow().strokes.filter((stroke) => stroke.layer === layer);
  pad.setTool("lasso");
  pad.select(strokes.map(({ id }) => id));
}
