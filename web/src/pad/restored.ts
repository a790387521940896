/** Drawings as they are stored. Every field is checked, and older forms are converted. */

import type { Base, Drawing, MadePlace, Shape, Stroke } from "./drawing";
import { FIRST_LAYERS, isLayerList, MASK } from "./layers";

/** A stored drawing, or null if the value is none. */
export function restored(value: unknown): Drawing | null {
  if (typeof value !== "object" || value === null) return null;
  const { width, height, base, layers, strokes } = value as Partial<Record<keyof Drawing, unknown>>;
  if (typeof width !== "number" || typeof height !== "number" || !(width > 0) || !(height > 0))
    return null;
  if (!Array.isArray(strokes) || !strokes.every(isStroke)) return null;
  if (base !== null && !isBase(base)) return null;
  // Before there were layers, all lines were above the base.
  const known = layers === undefined ? FIRST_LAYERS : layers;
  if (!isLayerList(known)) return null;
  const ids = new Set([MASK, ...known.filter(({ kind }) => kind === "lines").map(({ id }) => id)]);
  if (!strokes.every(({ layer }) => ids.has(layer))) return null;
  return { width, height, base, layers: known, strokes };
}

const SHAPES: ReadonlySet<unknown> = new Set<Shape>(["line", "rectangle", "ellipse", "area"]);

function isStroke(value: unknown): value is Stroke {
  if (typeof value !== "object" || value === null) return false;
  const stroke = value as Partial<Record<keyof Stroke, unknown>>;
  return (
    typeof stroke.id === "string" &&
    typeof stroke.layer === "string" &&
    typeof stroke.erases === "boolean" &&
    typeof stroke.colour === "string" &&
    typeof stroke.size === "number" &&
    typeof stroke.pressure === "boolean" &&
    Array.isArray(stroke.points) &&
    stroke.points.every(
      (point) => Array.isArray(point) && point.length === 3 && point.every(Number.isFinite),
    ) &&
    (stroke.shape === undefined || SHAPES.has(stroke.shape)) &&
    (stroke.breaks === undefined ||
      (Array.isArray(stroke.breaks) && stroke.breaks.every(Number.isInteger)))
  );
}

export function isMadePlace(value: unknown): value is MadePlace {
  if (typeof value !== "object" || value === null) return false;
  const place = value as Partial<Record<keyof MadePlace, unknown>>;
  return typeof place.id === "string" && typeof place.index === "number";
}

export function isBase(value: unknown): value is Base {
  if (typeof value !== "object" || value === null) return false;
  const base = value as Partial<Record<keyof Base, unknown>>;
  return (
    typeof base.url === "string" &&
    base.url.startsWith("data:image/") &&
    typeof base.width === "number" &&
    typeof base.height === "number" &&
    typeof base.name === "string"
  );
}
