import { useMemo, type RefObject } from "react";

/**
 * The element that scrolls a list of results: the list itself. On a phone held across, the panel
 * scrolls the list together with the form above it.
 */
export function useScroller(list: RefObject<HTMLElement | null>): RefObject<HTMLElement | null> {
  return useMemo(
    () => ({
      get current() {
        const element = list.current;
        if (element === null || getComputedStyle(element).overflowY !== "visible") return element;
        return element.parentElement;
      },
    }),
    [list],
  );
}
