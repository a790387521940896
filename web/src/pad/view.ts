/** The part of the paper that is shown. All places are in the paper's coordinates. */

import type { View } from "@/lib/zoom";

export type { View };

export interface Size {
  width: number;
  height: number;
}

export const LARGEST_ZOOM = 16;

export function wholePaper({ width, height }: Size): View {
  return { zoom: 1, x: width / 2, y: height / 2 };
}

/** Pixels of the screen for one unit of the paper, when the whole paper is shown. */
export function fittingScale(paper: Size, frame: Size): number {
  return Math.min(frame.width / paper.width, frame.height / paper.height);
}

/** The window onto the paper: as large as the zoomed paper, and no larger than its frame. */
export function windowOf(paper: Size, frame: Size, zoom: number): Size {
  const scale = fittingScale(paper, frame) * zoom;
  return {
    width: Math.floor(Math.min(frame.width, paper.width * scale)),
    height: Math.floor(Math.min(frame.height, paper.height * scale)),
  };
}

/** The nearest view that shows nothing beside the paper. */
export function within(view: View, paper: Size, frame: Size): View {
  const zoom = Math.min(LARGEST_ZOOM, Math.max(1, view.zoom));
  const scale = fittingScale(paper, frame) * zoom;
  if (scale === 0) return { ...view, zoom };
  const between = (value: number, size: number, seen: number) => {
    const half = Math.min(seen / scale, size) / 2;
    return Math.min(size - half, Math.max(half, value));
  };
  return {
    zoom,
    x: between(view.x, paper.width, frame.width),
    y: between(view.y, paper.height, frame.height),
  };
}

/** The transform from the paper to a window, as `[scale, right, down]`. */
export function transformOf(
  view: View,
  scale: number,
  { width, height }: Size,
): [scale: number, right: number, down: number] {
  return [scale, width / 2 - view.x * scale, height / 2 - view.y * scale];
}
