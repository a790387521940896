/** How fast the wheel, a touchpad, a button and a key zoom, and what zooming changes. */

export interface Place {
  x: number;
  y: number;
}

export interface View extends Place {
  /** 1 shows everything; `x` and `y` are what is in the middle. */
  zoom: number;
}

/** Pixels of one line, for a wheel that counts lines. */
const LINE = 33;
/** How much one pixel of a wheel zooms. */
const SPEED = 0.0018;
/** How much faster a pinch on a touchpad zooms: it is a wheel with Ctrl, in small steps. */
const PINCH = 5;
/** How much a button or a key zooms. */
const STEP = 1.5;

type Wheel = Pick<WheelEvent, "deltaMode" | "deltaX" | "deltaY" | "ctrlKey">;

/** How far a wheel was turned, in pixels. */
export function turned({ deltaMode, deltaX, deltaY }: Wheel): { right: number; down: number } {
  const unit = deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE;
  return { right: deltaX * unit, down: deltaY * unit };
}

/** How much a turn of a wheel zooms. */
export function wheelFactor(wheel: Wheel): number {
  const { down } = turned(wheel);
  const isPinch = wheel.ctrlKey && Math.abs(down) < LINE;
  return Math.exp(-down * SPEED * (isPinch ? PINCH : 1));
}

/** What two fingers do when one of them moves: they move what is shown, and zoom it. */
export interface Pinch {
  right: number;
  down: number;
  factor: number;
  /** The middle of the fingers: the place that they zoom at. */
  middle: Place;
}

export function pinchOf(before: Place, now: Place, other: Place): Pinch {
  const between = (finger: Place) => Math.hypot(finger.x - other.x, finger.y - other.y);
  return {
    // The middle of the fingers moves by half of what one finger moves.
    right: (now.x - before.x) / 2,
    down: (now.y - before.y) / 2,
    factor: between(now) / Math.max(1, between(before)),
    middle: { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 },
  };
}

/** Zooms, so that a place stays where it is on the screen. */
export function zoomedAt(view: View, factor: number, place: Place, largest: number): View {
  const zoom = Math.min(largest, Math.max(1, view.zoom * factor));
  const kept = view.zoom / zoom;
  return {
    zoom,
    x: place.x - (place.x - view.x) * kept,
    y: place.y - (place.y - view.y) * kept,
  };
}

/** One step in or out, at the middle of what is shown. */
export function zoomedByStep(view: View, direction: 1 | -1, largest: number): View {
  const next = zoomedAt(view, direction > 0 ? STEP : 1 / STEP, view, largest);
  // Steps would miss 1 by a rounding error.
  return Math.abs(next.zoom - 1) < 0.01 ? { ...next, zoom: 1 } : next;
}
