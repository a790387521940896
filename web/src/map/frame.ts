/**
 * The part of the map that is shown. Places on the map are 0..1, places of the screen are pixels
 * from the top left corner of the map's frame.
 */

import { zoomedAt as zoomedFreely, type Place, type View } from "@/lib/zoom";

export type { Place, View };

export interface Size {
  width: number;
  height: number;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export const WHOLE: View = { zoom: 1, x: 0.5, y: 0.5 };
export const LARGEST_ZOOM = 256;
/** How much of the frame the whole map fills. */
const FILLED = 0.94;

/** Pixels of the screen for the whole width of the map. */
export function scaleOf({ zoom }: View, { width, height }: Size): number {
  return Math.max(1, Math.min(width, height) * FILLED * zoom);
}

export function toScreen(place: Place, view: View, frame: Size): Place {
  const scale = scaleOf(view, frame);
  return {
    x: (place.x - view.x) * scale + frame.width / 2,
    y: (place.y - view.y) * scale + frame.height / 2,
  };
}

export function toMap(place: Place, view: View, frame: Size): Place {
  const scale = scaleOf(view, frame);
  return {
    x: (place.x - frame.width / 2) / scale + view.x,
    y: (place.y - frame.height / 2) / scale + view.y,
  };
}

const between = (least: number, value: number, most: number) =>
  Math.min(most, Math.max(least, value));

/** The nearest view that has a part of the map in its middle. */
export function inside({ zoom, x, y }: View): View {
  return { zoom: between(1, zoom, LARGEST_ZOOM), x: between(0, x, 1), y: between(0, y, 1) };
}

/** Zooms, so that a place of the map stays where it is on the screen. */
export function zoomedAt(view: View, factor: number, place: Place): View {
  return inside(zoomedFreely(view, factor, place, LARGEST_ZOOM));
}

/** Moves what is shown by pixels of the screen. */
export function moved(view: View, right: number, down: number, frame: Size): View {
  const scale = scaleOf(view, frame);
  return inside({ ...view, x: view.x - right / scale, y: view.y - down / scale });
}

/** The part of the map that is in the frame. */
export function windowOf(view: View, frame: Size): Box {
  const from = toMap({ x: 0, y: 0 }, view, frame);
  const to = toMap({ x: frame.width, y: frame.height }, view, frame);
  return { left: from.x, top: from.y, right: to.x, bottom: to.y };
}
