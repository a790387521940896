/** What the map shows, and what was chosen on it. */

import { create } from "zustand";

import { zoomedByStep } from "@/lib/zoom";

import { LARGEST_ZOOM, WHOLE, type Place, type Size, type View } from "./frame";
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

/** Zooms at the middle. */
export function zoomBy(direction: 1 | -1): void {
  setMap({ view: zoomedByStep(useMap.getState().view, direction, LARGEST_ZOOM) });
}

export function showWhole(): void {
  setMap({ view: WHOLE });
}
