/**
 * Paints the map anew when something that it shows has changed, at most once a frame. Where that
 * takes too long for a fluid movement, it is coarse while it moves, and fine when it rests.
 */

import { Painter } from "./painter";
import type { GalleryMap } from "./places";
import { setMap, useMap } from "./store";

/** The longest time for a moving picture, in milliseconds. */
const LONGEST = 12;
const REST = 150;

/** Starts on a canvas. Returns a function that ends it. */
export function startPainting(
  canvas: HTMLCanvasElement,
  map: GalleryMap,
  order: Uint32Array,
  dark: boolean,
): () => void {
  let waiting = 0;
  let resting: ReturnType<typeof setTimeout> | undefined;
  let isSlow = false;
  let moved = false;
  const paint = (coarse: boolean) => {
    const { pointed, ...scene } = useMap.getState();
    const from = performance.now();
    painter.paint({ ...scene, pointed: pointed?.index ?? null }, coarse);
    if (!coarse) isSlow = performance.now() - from > LONGEST;
  };
  const paintSoon = () => {
    if (waiting !== 0) return;
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      const coarse = moved && isSlow;
      moved = false;
      paint(coarse);
      if (!coarse) return;
      clearTimeout(resting);
      resting = setTimeout(paintSoon, REST);
    });
  };
  const painter = new Painter(canvas, map, order, dark, paintSoon);
  const measure = () => {
    setMap({ frame: { width: canvas.clientWidth, height: canvas.clientHeight } });
  };
  const observer = new ResizeObserver(measure);
  observer.observe(canvas);
  const stop = useMap.subscribe((now, before) => {
    moved ||= now.view !== before.view;
    paintSoon();
  });
  measure();
  paintSoon();
  return () => {
    observer.disconnect();
    stop();
    clearTimeout(resting);
    cancelAnimationFrame(waiting);
  };
}
