/**
 * Keeps the first picture in view where it is when a list gets another width, as on a phone that is
 * turned.
 */

import { useEffect, type RefObject } from "react";

import { scrolledIn, scrollerOf } from "@/gallery/scroller";

interface Kept {
  item: Element;
  /** How much of it is above the view, as a part of its height. */
  hidden: number;
}

export function useKeptInView(list: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    let width = element.clientWidth;
    let kept: Kept | null = null;
    let isOwn = false;
    const note = () => {
      // Until the width is known, the view is not what was seen.
      if (element.clientWidth !== width) return;
      if (!isOwn) kept = keptIn(scrollerOf(element), element);
      isOwn = false;
    };
    const observer = new ResizeObserver(() => {
      const next = element.clientWidth;
      if (next === width || next === 0) return;
      width = next;
      if (kept === null || !kept.item.isConnected) return;
      const outer = scrollerOf(element);
      const hidden = kept.hidden * kept.item.clientHeight;
      const before = outer.scrollTop;
      outer.scrollTop += hidden - scrolledIn(outer, kept.item);
      // After a turn and a turn back, the same item is the first one.
      isOwn = outer.scrollTop !== before;
    });
    observer.observe(element);
    const anywhere = { capture: true, passive: true };
    document.addEventListener("scroll", note, anywhere);
    return () => {
      observer.disconnect();
      document.removeEventListener("scroll", note, anywhere);
    };
  }, [list]);
}

/** The first item of a list of rows that is seen; null while the top of the list is in view. */
function keptIn(outer: Element, list: Element): Kept | null {
  if (scrolledIn(outer, list) <= 0) return null;
  const items = list.children;
  let [above, below] = [0, items.length];
  while (above < below) {
    const middle = Math.floor((above + below) / 2);
    const item = items[middle];
    // An item that is hidden by more than half is not the first one that is seen.
    const isHidden = item !== undefined && scrolledIn(outer, item) > item.clientHeight / 2;
    if (isHidden) above = middle + 1;
    else below = middle;
  }
  const item = items[above];
  if (item === undefined) return null;
  return { item, hidden: scrolledIn(outer, item) / Math.max(1, item.clientHeight) };
}
