/** What the map shows, and what was chosen on it. */

import { create } from "zustand";

import { WHOLE, zoomedAt, type Place, type Size, type View } from "./frame";
import type { Indices, MapSpace } from "./places";

export type Tool = "move" | "lasso";

/** The picture that the pointer, a finger or the keys are at. */
export interface Pointed {
  index: number;
  by: "pointer" | "touch" | "keys";
}

interface MapState {
  space: MapSpace;
  view: View;
  /** The size of the map on the screen. */
  frame: Size;
  tool: Tool;
  pointed: Pointed | null;
  /** The group whose pictures are told apart from all others. */
  highlighted: number | null;
  /** The line around the chosen pictures; empty without one. */
  lasso: readonly Place[];
  chosen: Indices;
}

const NOTHING = { pointed: null, highlighted: null, lasso: [], chosen: [] };

export const useMap = create<MapState>()(() => ({
  space: "image",
  view: WHOLE,
  frame: { width: 0, height: 0 },
  tool: "move",
  ...NOTHING,
}));

export const setMap = useMap.setState;

/** Chooses what dragging does. The card of a picture goes, since it could be in the way. */
export function chooseTool(tool: Tool): void {
  setMap({ tool, pointed: null });
}

/** Forgets what belongs to one map only. */
export function forgetChoice(): void {
  setMap(NOTHING);
}

export function showSpace(space: MapSpace): void {
  setMap({ space, view: WHOLE, ...NOTHING });
}

const STEP = 1.6;

/** Zooms at the middle. */
export function zoomBy(direction: 1 | -1): void {
  const { view } = useMap.getState();
  const next = zoomedAt(view, direction > 0 ? STEP : 1 / STEP, view);
  // Steps would miss the whole map by a rounding error.
  setMap({ view: Math.abs(next.zoom - 1) < 0.01 ? { ...next, zoom: 1 } : next });
}

export function showWhole(): void {
  setMap({ view: WHOLE });
}
