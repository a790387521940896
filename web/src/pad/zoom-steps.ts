/** Zooming by a button or a key. */

import { usePad } from "./store";
import { wholePaper, zoomedAt } from "./view";

const STEP = 1.5;

/** Zooms at the middle of what is shown. */
export function zoomBy(direction: 1 | -1): void {
  const { view, look } = usePad.getState();
  const next = zoomedAt(view, direction > 0 ? STEP : 1 / STEP, view);
  // Steps of 1.5 would miss 100 % by a rounding error.
  look(Math.abs(next.zoom - 1) < 0.01 ? { ...next, zoom: 1 } : next);
}

export function showWhole(): void {
  const { history, look } = usePad.getState();
  look(wholePaper(history.present));
}
