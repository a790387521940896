import { useEffect, useState, type RefObject } from "react";

/** The space for the paper in CSS pixels, and the pixels of the screen for each of them. */
export interface Frame {
  width: number;
  height: number;
  ratio: number;
}

export function useFrame(frame: RefObject<HTMLElement | null>): Frame {
  const [space, setSpace] = useState<Frame>({ width: 0, height: 0, ratio: 1 });
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const measure = () => {
      // A hidden view has no size: the paper keeps its last one.
      if (element.clientWidth === 0 || element.clientHeight === 0) return;
      setSpace({
        width: element.clientWidth,
        height: element.clientHeight,
        ratio: window.devicePixelRatio,
      });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    // Moving the window to a screen with another pixel ratio causes no resize.
    let query: MediaQueryList | null = null;
    const watch = () => {
      query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
      query.addEventListener("change", moved, { once: true });
    };
    const moved = () => {
      measure();
      watch();
    };
    watch();
    return () => {
      observer.disconnect();
      query?.removeEventListener("change", moved);
    };
  }, [frame]);
  return space;
}
