import { useEffect, useRef, useState } from "react";

import { uniqueId } from "@/lib/id";
import { plural } from "@/lib/format";

import { usePad } from "./store";
import { Surface } from "./surface";

/** The paper, as large as its place allows in the drawing's shape. Loaded when it is needed, with Fabric. */
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
      // A hidden view has no size; the paper keeps the one it had.
      if (element.clientWidth === 0 || element.clientHeight === 0) return;
      setSpace({ width: element.clientWidth, height: element.clientHeight, ratio: window.devicePixelRatio });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    // A window that moves to a screen of another pixel ratio keeps its size, so no resize tells of it.
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
    // The drawing's strokes do not matter here, its size does.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [width, height, space.ratio, drawing.width, drawing.height]);
  useEffect(() => surface.current?.show(drawing), [drawing]);
  useEffect(() => surface.current?.take({ layer, tool, colour, size }), [layer, tool, colour, size]);

  return (
    <div ref={frame} className="flex size-full items-center justify-center">
      <div
        id="paper"
        role="img"
        aria-label={`Sketch pad with ${plural(drawing.strokes.length, "stroke")}${drawing.base === null ? "" : " on a picture"}`}
        className="relative touch-none overflow-hidden rounded-sm bg-white shadow-[0_0_0_1px_rgb(0_0_0/0.12),0_2px_10px_rgb(0_0_0/0.08)]"
        style={{ width, height }}
      >
        {drawing.base !== null && <img src={drawing.base.url} alt="" draggable={false} className="absolute inset-0 size-full" />}
        <div ref={host} className="absolute inset-0" />
      </div>
    </div>
  );
}
