/**
 * The stored form of a drawing with all its steps. Steps share most of their strokes and pictures,
 * so that each of those is stored once.
 */

import { isFields, list, number, text } from "@/lib/json";
import type { Base, Drawing, Stroke } from "@/pad/drawing";
import type { History } from "@/pad/history";
import type { Layer } from "@/pad/layers";
import { restored } from "@/pad/restored";

interface Step {
  width: number;
  height: number;
  /** Index of the picture. */
  base: number | null;
  /** Index of the list of layers. Older drawings have none. */
  layers: number;
  /** Indexes of the strokes, in order. */
  strokes: number[];
}

export interface PackedHistory {
  strokes: Stroke[];
  /** The ids of the pictures. */
  pictures: string[];
  layers: (readonly Layer[])[];
  steps: Step[];
  /** Index of the current step. */
  place: number;
}

export function pack(
  { past, present, future }: History<Drawing>,
  idOf: (base: Base) => string,
): PackedHistory {
  const strokes = new Map<Stroke, number>();
  const pictures = new Map<string, number>();
  const layers = new Map<readonly Layer[], number>();
  const placeIn = <T>(known: Map<T, number>, value: T): number => {
    const place = known.get(value) ?? known.size;
    known.set(value, place);
    return place;
  };
  const steps = [...past, present, ...future].map((drawing): Step => ({
    width: drawing.width,
    height: drawing.height,
    base: drawing.base === null ? null : placeIn(pictures, idOf(drawing.base)),
    layers: placeIn(layers, drawing.layers),
    strokes: drawing.strokes.map((stroke) => placeIn(strokes, stroke)),
  }));
  return {
    strokes: [...strokes.keys()],
    pictures: [...pictures.keys()],
    layers: [...layers.keys()],
    steps,
    place: past.length,
  };
}

/**
 * The history, or null if the stored value is invalid. Invalid steps are left out, unless the
 * current step is one of them.
 */
export function unpack(
  value: unknown,
  pictures: ReadonlyMap<string, Base>,
): History<Drawing> | null {
  if (!isFields(value)) return null;
  const strokes = list(value["strokes"]) as readonly Stroke[];
  const layers = list(value["layers"]);
  const bases = list(value["pictures"]).map((id) => pictures.get(text(id) ?? "") ?? null);
  const steps = list(value["steps"]).map((step): Drawing | null => {
    if (!isFields(step)) return null;
    const base = number(step["base"]);
    const listed = number(step["layers"]);
    const drawing = {
      width: step["width"],
      height: step["height"],
      base: base === null ? null : (bases[base] ?? null),
      layers: listed === null ? undefined : layers[listed],
      strokes: list(step["strokes"]).map((place) => strokes[Number(place)]),
    };
    if (base !== null && drawing.base === null) return null;
    if (listed !== null && drawing.layers === undefined) return null;
    return restored(drawing);
  });
  const place = number(value["place"]) ?? steps.length - 1;
  const present = steps[place] ?? null;
  if (present === null) return null;
  const whole = (some: (Drawing | null)[]) => some.filter((drawing) => drawing !== null);
  return { past: whole(steps.slice(0, place)), present, future: whole(steps.slice(place + 1)) };
}
