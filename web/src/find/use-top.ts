import { useEffect, useRef, type RefObject } from "react";

/** Moves a list to its top when another one is shown. */
export function useTop(list: RefObject<HTMLElement | null>, shown: string): void {
  const before = useRef(shown);
  useEffect(() => {
    if (before.current === shown) return;
    before.current = shown;
    const element = list.current;
    if (element === null) return;
    element.scrollTo(0, 0);
    // On a low screen, the list scrolls with the form above it.
    const around = element.parentElement;
    if (around !== null && element.offsetTop < around.scrollTop) element.scrollIntoView();
  }, [list, shown]);
}
