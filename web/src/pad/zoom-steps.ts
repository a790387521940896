/** Zooming by a button or a key. */

import { zoomedByStep } from "@/lib/zoom";

import { usePad } from "./store";
import { LARGEST_ZOOM, wholePaper } from "./view";

/** Zooms at the middle of what is shown. */
export function zoomBy(direction: 1 | -1): void {
  const { view, look } = usePad.getState();
  look(zoomedByStep(view, direction, LARGEST_ZOOM));
}

export function showWhole(): void {
  const { history, look } = usePad.getState();
  look(wholePaper(history.present));
}
