import { useEffect } from "react";

import { usePad } from "./store";

export const SHORTCUTS: readonly (readonly [keys: string, action: string])[] = [
  ["B", "Brush"],
  ["E", "Eraser"],
  ["[  and  ]", "Smaller and larger brush"],
  ["L", "Select the line layer"],
  ["M", "Select the mask layer"],
  ["Ctrl Z", "Undo"],
  ["Ctrl Shift Z", "Redo"],
  ["Shift Delete", "Clear the layer"],
  ["Ctrl V", "Paste a picture as the base"],
  ["/", "Search by words"],
  ["?", "Show keyboard shortcuts"],
];

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);
}

/** Keyboard shortcuts, except while a field has the focus or a dialog is open. */
export function usePadShortcuts(onHelp: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const dialog = document.querySelector('[role="dialog"]');
      if (typing(event.target) || event.altKey || dialog !== null) return;
      const pad = usePad.getState();
      const key = event.key.toLowerCase();
      const command = event.ctrlKey || event.metaKey;
      const actions: Record<string, () => void> = command
        ? { z: event.shiftKey ? pad.redo : pad.undo, y: pad.redo }
        : {
            b: () => pad.setTool("brush"),
            e: () => pad.setTool("eraser"),
            l: () => pad.setLayer("line"),
            m: () => pad.setLayer("mask"),
            "[": () => pad.setSize(pad.size - (pad.size > 20 ? 4 : 1)),
            "]": () => pad.setSize(pad.size + (pad.size >= 20 ? 4 : 1)),
            "/": () => document.getElementById("words")?.focus(),
            "?": onHelp,
            ...(event.shiftKey
              ? { delete: () => pad.change({ type: "clear", layer: pad.layer }) }
              : {}),
          };
      const action = actions[key];
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [onHelp]);
}
