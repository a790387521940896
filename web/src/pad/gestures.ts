/** Zooming and panning: the wheel, two fingers, the middle button, and dragging with Space. */

import { pinchOf, turned, wheelFactor, zoomedAt, type Place, type View } from "@/lib/zoom";

import { LARGEST_ZOOM } from "./view";

export interface Navigation {
  view: () => View;
  look: (view: View) => void;
  /** Pixels of the screen for one unit of the paper, now. */
  scale: () => number;
  /** A place of the screen in the paper's coordinates. */
  placeAt: (clientX: number, clientY: number) => Place;
  /** Forgets the stroke that is being drawn. */
  abandon: () => void;
  /** The pointer shows that dragging moves the paper. */
  onGrab: (grabs: boolean) => void;
}

/** Listens on an element, before those inside of it. Returns a function that ends it. */
export function navigate(element: HTMLElement, navigation: Navigation): () => void {
  const fingers = new Map<number, Place>();
  let panning: { id: number; x: number; y: number } | null = null;
  let pinching = false;
  let pen = false;
  let space = false;
  /** Whether the focus was last moved by keys. */
  let byKeys = false;
  const ending = new AbortController();
  const { signal } = ending;

  const pan = (right: number, down: number) => {
    const [view, scale] = [navigation.view(), navigation.scale()];
    navigation.look({ ...view, x: view.x - right / scale, y: view.y - down / scale });
  };

  const zoom = (factor: number, clientX: number, clientY: number) => {
    const place = navigation.placeAt(clientX, clientY);
    navigation.look(zoomedAt(navigation.view(), factor, place, LARGEST_ZOOM));
  };

  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    if (event.shiftKey) {
      const { right, down } = turned(event);
      // Some systems turn a wheel with Shift sideways by themselves.
      pan(-(right === 0 ? down : right), 0);
      return;
    }
    zoom(wheelFactor(event), event.clientX, event.clientY);
  };

  const down = (event: PointerEvent) => {
    if (event.pointerType === "pen") pen = true;
    if (event.pointerType === "touch" && !pen) {
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (fingers.size < 2 && !pinching) return;
      pinching = true;
      navigation.abandon();
      event.stopPropagation();
      return;
    }
    if (!(event.button === 1 || (event.button === 0 && space))) return;
    event.preventDefault();
    event.stopPropagation();
    panning = { id: event.pointerId, x: event.clientX, y: event.clientY };
    navigation.onGrab(true);
  };

  const move = (event: PointerEvent) => {
    if (panning?.id === event.pointerId) {
      pan(event.clientX - panning.x, event.clientY - panning.y);
      panning = { id: event.pointerId, x: event.clientX, y: event.clientY };
      return;
    }
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    const after = { x: event.clientX, y: event.clientY };
    fingers.set(event.pointerId, after);
    if (!pinching || other === undefined) return;
    const { right, down, factor, middle } = pinchOf(before, after, other);
    pan(right, down);
    zoom(factor, middle.x, middle.y);
  };

  const up = (event: PointerEvent) => {
    if (event.pointerType === "pen") pen = false;
    fingers.delete(event.pointerId);
    // The finger that is left does not draw: the next touch does.
    if (fingers.size === 0) pinching = false;
    if (panning?.id !== event.pointerId) return;
    panning = null;
    navigation.onGrab(space);
  };

  const key = (event: KeyboardEvent) => {
    if (event.key === "Tab") byKeys = true;
    if (event.key !== " ") return;
    if (event.type === "keyup") {
      if (!space) return;
      space = false;
      event.preventDefault();
      navigation.onGrab(panning !== null);
      return;
    }
    if (!element.matches(":hover") || belongsToFocus(byKeys)) return;
    // Otherwise a button that was clicked before would be pressed again.
    event.preventDefault();
    space = true;
    navigation.onGrab(true);
  };

  element.addEventListener("wheel", wheel, { passive: false, signal });
  element.addEventListener("pointerdown", down, { capture: true, signal });
  window.addEventListener("pointerdown", () => (byKeys = false), { capture: true, signal });
  window.addEventListener("pointermove", move, { capture: true, signal });
  window.addEventListener("pointerup", up, { capture: true, signal });
  window.addEventListener("pointercancel", up, { capture: true, signal });
  window.addEventListener("keydown", key, { signal });
  window.addEventListener("keyup", key, { signal });
  window.addEventListener("blur", () => (space = false), { signal });
  return () => ending.abort();
}

/** Whether Space belongs to what has the focus: to a field, or to a control reached by keys. */
function belongsToFocus(byKeys: boolean): boolean {
  const focused = document.activeElement;
  if (focused === null || focused === document.body || focused.id === "main") return false;
  return byKeys || focused.matches("input, textarea, select, [contenteditable]");
}
