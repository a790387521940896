import { useEffect, useRef, useState } from "react";

import { plural } from "@/lib/format";
import { uniqueId } from "@/lib/id";
import { later } from "@/lib/later";

import type { Drawing, Point, Stroke } from "./drawing";
import { navigate } from "./gestures";
import { wayOf, type Gesture } from "./ink";
import { boundsOf, isWithin, selectedBy } from "./lasso";
import { isVisible, MASK } from "./layers";
import { SelectionFrame } from "./selection-frame";
import { currentLayer, drawingNow, usePad } from "./store";
import { Surface } from "./surface";
import { useFrame } from "./use-frame";
import { fittingScale, transformOf, windowOf, within, type View } from "./view";

/** The paper, as large as fits. It is loaded later than the page, together with Fabric. */
export default function Paper() {
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const surface = useRef<Surface | null>(null);
  const drawing = usePad((state) => state.history.present);
  const layer = usePad(currentLayer);
  const { tool, colour, size, selection, view: wanted } = usePad();
  const space = useFrame(frame);
  const [grabs, setGrabs] = useState(false);
  const [drag, setDrag] = useState<readonly [number, number]>([0, 0]);

  const view = within(wanted, drawing, space);
  const scale = fittingScale(drawing, space) * view.zoom;
  const seen = windowOf(drawing, space, view.zoom);
  const transform = transformOf(view, scale, seen);
  const [, right, down] = transform;

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const opened = new Surface(element, {
      isSelected: (place) => isWithin(place, boundsOf(drawingNow(), usePad.getState().selection)),
      dragged: (byX, byY) => {
        setDrag([byX, byY]);
        opened.drag(usePad.getState().selection, byX, byY);
      },
      done: (gesture) => {
        setDrag([0, 0]);
        finish(gesture);
      },
    });
    surface.current = opened;
    return () => {
      surface.current = null;
      void opened.dispose();
    };
  }, []);

  const current = useRef({ view, scale, drawing, space });
  useEffect(() => {
    current.current = { view, scale, drawing, space };
  });
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    return navigate(element, {
      view: () => current.current.view,
      scale: () => current.current.scale,
      look: (next: View) => {
        const { drawing: paper, space: around } = current.current;
        const possible = within(next, paper, around);
        // The next move of the hand may come before React shows this one.
        const zoomed = fittingScale(paper, around) * possible.zoom;
        current.current = { ...current.current, view: possible, scale: zoomed };
        usePad.getState().look(possible);
      },
      placeAt: (clientX, clientY) => {
        const { left, top, width, height } = element.getBoundingClientRect();
        const { view: now, scale: unit } = current.current;
        const [x, y] = [clientX - left - width / 2, clientY - top - height / 2];
        return { x: now.x + x / unit, y: now.y + y / unit };
      },
      abandon: () => surface.current?.abandon(),
      onGrab: setGrabs,
    });
  }, []);

  useEffect(() => {
    // Keys and buttons may ask for a view beside the paper: they do not know how large it is.
    if (space.width > 0 && (view.x !== wanted.x || view.y !== wanted.y))
      usePad.getState().look(view);
  });
  useEffect(() => {
    if (seen.width > 0 && seen.height > 0)
      surface.current?.look({ width: seen.width, height: seen.height }, [scale, right, down]);
  }, [seen.width, seen.height, scale, right, down, space.ratio]);
  useEffect(() => surface.current?.show(drawing), [drawing]);
  const opacity = drawing.layers.find(({ id }) => id === layer)?.opacity ?? 1;
  useEffect(
    () => surface.current?.take({ tool, colour, size, masks: layer === MASK }, opacity),
    [tool, colour, size, layer, opacity],
  );

  const base = drawing.layers.findIndex(({ kind }) => kind === "base");
  const baseLayer = drawing.layers[base];
  return (
    <div ref={frame} className="flex size-full touch-none items-center justify-center">
      <div
        id="paper"
        role="img"
        aria-label={labelOf(drawing)}
        className="relative isolate touch-none overflow-hidden rounded-sm bg-white
          shadow-[0_0_0_1px_rgb(0_0_0/0.12),0_2px_10px_rgb(0_0_0/0.08)]
          data-grabs:[&_*]:cursor-grab!"
        data-grabs={grabs || undefined}
        style={{ width: seen.width, height: seen.height }}
      >
        {drawing.base !== null && baseLayer !== undefined && isVisible(baseLayer) && (
          <img
            src={drawing.base.url}
            alt=""
            draggable={false}
            className="absolute top-0 left-0 max-w-none origin-top-left"
            style={{
              width: drawing.width,
              height: drawing.height,
              transform: `translate(${right}px, ${down}px) scale(${scale})`,
              opacity: baseLayer.opacity,
              zIndex: base,
            }}
          />
        )}
        <div ref={host} className="absolute inset-0" />
        <SelectionFrame
          bounds={boundsOf(drawing, selection)}
          by={drag}
          transform={transform}
        />
      </div>
    </div>
  );
}

/** Does what a finished gesture of a tool asks for. */
function finish({ hand, points, pressure, drags }: Gesture): void {
  const pad = usePad.getState();
  const layer = currentLayer(pad);
  const { tool, colour, size } = hand;
  const common = { layer, colour, size, erases: tool === "eraser" };
  const add = (part: Pick<Stroke, "points" | "shape" | "breaks" | "pressure">) =>
    pad.change({ type: "stroke", stroke: { id: uniqueId(), ...common, ...part } });
  switch (tool) {
    case "brush":
    case "eraser":
      add({ points, pressure });
      return;
    case "line":
    case "rectangle":
    case "ellipse":
      // A click is no shape.
      if (Math.hypot(...wayOf(points)) > 2) add({ points, pressure: false, shape: tool });
      return;
    case "lasso":
      if (drags) pad.moveSelection(...wayOf(points));
      else pad.select(selectedBy(drawingNow(), layer, points));
      return;
    case "fill":
      void fill(points[0], (filled) => add({ ...filled, pressure: false }));
  }
}

async function fill(
  place: Point | undefined,
  add: (filled: Pick<Stroke, "points" | "shape" | "breaks">) => void,
): Promise<void> {
  if (place === undefined) return;
  const { filledAt } = await later(() => import("./fill"));
  const drawing = drawingNow();
  const filled = await filledAt(drawing, currentLayer(usePad.getState()), place);
  // Something else was drawn meanwhile, so that the area may be another one.
  if (filled !== null && drawing === drawingNow()) add(filled);
}

function labelOf({ strokes, base }: Drawing): string {
  const label = `Sketch pad with ${plural(strokes.length, "stroke")}`;
  return base === null ? label : `${label} on a picture`;
}
