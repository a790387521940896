/** The keys of the map, except while a field has the focus or a dialog is open. */

import { moved } from "./frame";
import { chooseTool, forgetChoice, setMap, showWhole, useMap, zoomBy } from "./store";

/** How far an arrow moves the map, as a part of its frame. */
const PART = 0.1;
const PRESSED = "a, button";
const USES_KEYS = "input, textarea, select, [role=slider], [role=listbox]";
/** What uses the arrows and Enter only, such as the tools. */
const USES_ARROWS = "[role=radio]";
const ARROWS_AND_ENTER = /^(arrow|enter)/;

interface Listener {
  /** The arrows have moved the map. */
  onMove: () => void;
  /** Returns whether there is a picture to open. */
  onEnter: () => boolean;
}

/** Listens on the page. Returns a function that ends it. */
export function listenToKeys({ onMove, onEnter }: Listener): () => void {
  const go = (right: number, down: number) => {
    const { view, frame } = useMap.getState();
    const step = PART * Math.min(frame.width, frame.height);
    setMap({ view: moved(view, -right * step, -down * step, frame) });
    onMove();
    return true;
  };
  const done = (action: () => void) => () => {
    action();
    return true;
  };
  const actions: Readonly<Record<string, () => boolean>> = {
    "+": done(() => zoomBy(1)),
    "=": done(() => zoomBy(1)),
    "-": done(() => zoomBy(-1)),
    "0": done(showWhole),
    l: done(() => chooseTool(useMap.getState().tool === "lasso" ? "move" : "lasso")),
    escape: done(forgetChoice),
    arrowleft: () => go(-1, 0),
    arrowright: () => go(1, 0),
    arrowup: () => go(0, -1),
    arrowdown: () => go(0, 1),
    enter: onEnter,
  };
  const pressed = (event: KeyboardEvent) => {
    // Escape may have closed a dialog, which is gone by now.
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    const { target } = event;
    if (target instanceof Element && target.closest(USES_KEYS) !== null) return;
    if (document.querySelector('[role="dialog"]') !== null) return;
    const key = event.key.toLowerCase();
    const onRadio = target instanceof Element && target.closest(USES_ARROWS) !== null;
    if (onRadio && ARROWS_AND_ENTER.test(key)) return;
    // A button or a link with the focus is pressed by Enter itself.
    if (key === "enter" && target instanceof Element && target.closest(PRESSED) !== null) return;
    if (actions[key]?.() === true) event.preventDefault();
  };
  window.addEventListener("keydown", pressed);
  return () => window.removeEventListener("keydown", pressed);
}
