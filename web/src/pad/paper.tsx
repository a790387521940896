import { useEffect, useRef, useState } from "react";

import { uniqueId } from "@/lib/id";
import { plural } from "@/lib/format";

import type { Drawing } from "./drawing";
import { usePad } from "./store";
import { Surface } from "./surface";

/** The paper, as large as fits. It is loaded later than the page, together with Fabric. */
export default function Paper() {
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const surface = useRef<Surface | null>(null);
  const drawing = usePad((state) => state.history.present);
  const { layer, tool, colour, size } = usePad();
  const [space, setSpace] = useState({ width: 0, height: 0, ratio: 1 });

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const opened = new Surface(element, (drawn) => {
      usePad.getState().change({ type: "stroke", stroke: { id: uniqueId(), ...drawn } });
    });
    surface.current = opened;
    return () => {
      surface.current = null;
      void opened.dispose();
    };
  }, []);

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
  }, []);

  const scale = Math.min(space.width / drawing.width, space.height / drawing.height);
  const [width, height] = [Math.floor(drawing.width * scale), Math.floor(drawing.height * scale)];

  useEffect(() => {
    if (width > 0 && height > 0) surface.current?.fit(width, height, drawing);
    // This depends on the size of the drawing, and not on its strokes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [width, height, space.ratio, drawing.width, drawing.height]);
  useEffect(() => surface.current?.show(drawing), [drawing]);
  useEffect(
    () => surface.current?.take({ layer, tool, colour, size }),
    [layer, tool, colour, size],
  );

  return (
    <div ref={frame} className="flex size-full items-center justify-center">
      <div
        id="paper"
        role="img"
        aria-label={labelOf(drawing)}
        className="relative touch-none overflow-hidden rounded-sm bg-white
          shadow-[0_0_0_1px_rgb(0_0_0/0.12),0_2px_10px_rgb(0_0_0/0.08)]"
        style={{ width, height }}
      >
        {drawing.base !== null && (
          <img
            src={drawing.base.url}
            alt=""
            draggable={false}
            className="absolute inset-0 size-full"
          />
        )}
        <div ref={host} className="absolute inset-0" />
      </div>
    </div>
  );
}

function labelOf({ strokes, base }: Drawing): string {
  const label = `Sketch pad with ${plural(strokes.length, "stroke")}`;
  return base === null ? label : `${label} on a picture`;
}
