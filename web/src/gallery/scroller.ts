/** What scrolls an element. */

/** The nearest element around another one that may scroll. */
export function scrollerOf(element: HTMLElement): Element {
  for (let around = element.parentElement; around !== null; around = around.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(around).overflowY)) return around;
  }
  return document.documentElement;
}

/** Where the view begins. A page that scrolls as a whole moves its own element. */
function topOf(scroller: Element): number {
  return scroller === document.documentElement ? 0 : scroller.getBoundingClientRect().top;
}

/** How far the top of an element is above the view, in pixels. */
export function scrolledIn(scroller: Element, element: Element): number {
  return topOf(scroller) - element.getBoundingClientRect().top;
}

/** Whether the mouse presses the scroll bar of an element. Fingers scroll what is inside. */
export function isOnScrollBar(
  scroller: Element,
  { target, clientX, pointerType }: PointerEvent,
): boolean {
  if (target !== scroller || pointerType !== "mouse") return false;
  const { left } = scroller.getBoundingClientRect();
  return clientX >= left + scroller.clientLeft + scroller.clientWidth;
}
