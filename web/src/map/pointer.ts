/** The pointer on the map: the wheel, dragging, two fingers, the lasso, hovering and taps. */

import { pinchOf, wheelFactor } from "@/lib/zoom";

import { moved, toMap, zoomedAt, type Place } from "./frame";
import { setMap, useMap } from "./store";

export interface Listener {
  /** The pointer is over a place of the map, or has left it. */
  onHover: (place: Place | null) => void;
  onTap: (place: Place, byTouch: boolean) => void;
  /** The lasso is closed. */
  onLasso: (line: readonly Place[]) => void;
}

/** A pointer that moves less than this taps. */
const SLOP = 5;
/** The shortest part of a lasso's line, in pixels. */
const PART = 3;

/** Listens on a canvas. Returns a function that ends it. */
export function listen(canvas: HTMLCanvasElement, listener: Listener): () => void {
  const fingers = new Map<number, Place>();
  let start: Place | null = null;
  let dragging = false;
  let pinching = false;
  const ending = new AbortController();
  const { signal } = ending;

  const at = ({ clientX, clientY }: MouseEvent): Place => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const onMap = (place: Place): Place => {
    const { view, frame } = useMap.getState();
    return toMap(place, view, frame);
  };
  const pan = (right: number, down: number) => {
    const { view, frame } = useMap.getState();
    setMap({ view: moved(view, right, down, frame) });
  };
  const zoom = (factor: number, place: Place) => {
    setMap({ view: zoomedAt(useMap.getState().view, factor, onMap(place)) });
  };

  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    zoom(wheelFactor(event), at(event));
  };

  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    if (fingers.size > 1) {
      if (dragging && useMap.getState().tool === "lasso") setMap({ lasso: [] });
      pinching = true;
      start = null;
      return;
    }
    start = at(event);
    dragging = false;
  };

  const drag = (before: Place, now: Place) => {
    const { tool, lasso } = useMap.getState();
    if (tool === "move") {
      pan(now.x - before.x, now.y - before.y);
      return true;
    }
    const isLong = lasso.length === 0 || Math.hypot(now.x - before.x, now.y - before.y) >= PART;
    if (isLong) setMap({ lasso: [...lasso, onMap(now)] });
    return isLong;
  };

  const pinch = (before: Place, now: Place, other: Place) => {
    const { right, down, factor, middle } = pinchOf(before, now, other);
    pan(right, down);
    zoom(factor, middle);
  };

  const move = (event: PointerEvent) => {
    const before = fingers.get(event.pointerId);
    const now = at(event);
    if (before === undefined) {
      if (event.pointerType !== "touch") listener.onHover(onMap(now));
      return;
    }
    if (pinching) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, now);
      if (other !== undefined) pinch(before, now, other);
      return;
    }
    if (start === null) return;
    if (!dragging) {
      if (Math.hypot(now.x - start.x, now.y - start.y) < SLOP) return;
      dragging = true;
      listener.onHover(null);
      if (useMap.getState().tool === "lasso") setMap({ lasso: [onMap(start)], chosen: [] });
    }
    if (drag(before, now)) fingers.set(event.pointerId, now);
  };

  const up = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId)) return;
    const { tool, lasso } = useMap.getState();
    const ends = event.type === "pointerup" && !pinching && start !== null;
    if (ends && !dragging) listener.onTap(onMap(at(event)), event.pointerType !== "mouse");
    if (dragging && tool === "lasso") {
      if (ends) listener.onLasso(lasso);
      else if (!pinching) setMap({ lasso: [] });
    }
    start = null;
    dragging = false;
    // The finger that is left does not move the map: the next touch does.
    if (fingers.size === 0) pinching = false;
  };

  canvas.addEventListener("wheel", wheel, { passive: false, signal });
  canvas.addEventListener("pointerdown", down, { signal });
  canvas.addEventListener("pointermove", move, { signal });
  canvas.addEventListener("pointerup", up, { signal });
  canvas.addEventListener("pointercancel", up, { signal });
  canvas.addEventListener("pointerleave", () => listener.onHover(null), { signal });
  return () => ending.abort();
}
