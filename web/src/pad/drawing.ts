/** The drawing as data. Coordinates are those of the paper, independent of the screen. */

export type Layer = "line" | "mask";

/** x, y, and the pressure of the pen, 0..1. */
export type Point = readonly [number, number, number];

export interface Stroke {
  id: string;
  layer: Layer;
  erases: boolean;
  colour: string;
  size: number;
  /** Whether the points have the pressure of a pen. Those of a mouse do not. */
  pressure: boolean;
  points: readonly Point[];
}

export interface Base {
  /** A data URL of a PNG or JPEG. */
  url: string;
  width: number;
  height: number;
  name: string;
}

export interface Drawing {
  width: number;
  height: number;
  base: Base | null;
  strokes: readonly Stroke[];
}

export type Change =
  | { type: "stroke"; stroke: Stroke }
  | { type: "clear"; layer: Layer }
  | { type: "base"; base: Base | null }
  | { type: "ratio"; ratio: string }
  | { type: "new" };

/** The length of the paper's longer side, in the units of coordinates and brush sizes. */
export const LONG_SIDE = 900;
export const EMPTY: Drawing = { width: LONG_SIDE, height: LONG_SIDE, base: null, strokes: [] };

export function paperOf(width: number, height: number): { width: number; height: number } {
  const scale = LONG_SIDE / Math.max(width, height);
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/** The two numbers of `W:H`, or null if it is no ratio. */
export function ratioOf(ratio: string): [number, number] | null {
  const [, width, height] = ratio.match(/^(\d{1,3}):(\d{1,3})$/) ?? [];
  return Number(width) > 0 && Number(height) > 0 ? [Number(width), Number(height)] : null;
}

export function applyChange(drawing: Drawing, change: Change): Drawing {
  switch (change.type) {
    case "stroke":
      return { ...drawing, strokes: [...drawing.strokes, change.stroke] };
    case "clear": {
      const strokes = drawing.strokes.filter((stroke) => stroke.layer !== change.layer);
      return strokes.length === drawing.strokes.length ? drawing : { ...drawing, strokes };
    }
    case "base": {
      if (change.base === null) return drawing.base === null ? drawing : { ...drawing, base: null };
      // A mask must fit its base exactly, so that the paper takes the ratio of the picture.
      return resized(
        { ...drawing, base: change.base },
        paperOf(change.base.width, change.base.height),
      );
    }
    case "ratio": {
      const ratio = ratioOf(change.ratio);
      return ratio === null || drawing.base !== null
        ? drawing
        : resized(drawing, paperOf(...ratio));
    }
    case "new":
      return isEmpty(drawing)
        ? drawing
        : { ...EMPTY, width: drawing.width, height: drawing.height };
  }
}

/** Changes the size of the paper. The drawing stays in its centre. */
function resized(drawing: Drawing, { width, height }: { width: number; height: number }): Drawing {
  const [right, down] = [(width - drawing.width) / 2, (height - drawing.height) / 2];
  if (right === 0 && down === 0) return drawing;
  const strokes = drawing.strokes.map((stroke) => ({
    ...stroke,
    // A new id, because the screen knows strokes by their id.
    id: `${stroke.id}+`,
    points: stroke.points.map(([x, y, pressure]): Point => [x + right, y + down, pressure]),
  }));
  return { ...drawing, width, height, strokes };
}

export function isEmpty(drawing: Drawing): boolean {
  return drawing.base === null && drawing.strokes.length === 0;
}

/** Whether a layer has visible strokes. An eraser alone has none. */
export function hasInk(drawing: Drawing, layer: Layer): boolean {
  return drawing.strokes.some((stroke) => stroke.layer === layer && !stroke.erases);
}

/** A stored drawing, or null if the value is none. */
export function restored(value: unknown): Drawing | null {
  if (typeof value !== "object" || value === null) return null;
  const { width, height, base, strokes } = value as Partial<Record<keyof Drawing, unknown>>;
  if (typeof width !== "number" || typeof height !== "number" || !(width > 0) || !(height > 0))
    return null;
  if (!Array.isArray(strokes) || !strokes.every(isStroke)) return null;
  if (base !== null && !isBase(base)) return null;
  return { width, height, base, strokes };
}

function isStroke(value: unknown): value is Stroke {
  if (typeof value !== "object" || value === null) return false;
  const stroke = value as Partial<Record<keyof Stroke, unknown>>;
  return (
    typeof stroke.id === "string" &&
    (stroke.layer === "line" || stroke.layer === "mask") &&
    typeof stroke.erases === "boolean" &&
    typeof stroke.colour === "string" &&
    typeof stroke.size === "number" &&
    typeof stroke.pressure === "boolean" &&
    Array.isArray(stroke.points) &&
    stroke.points.every(
      (point) => Array.isArray(point) && point.length === 3 && point.every(Number.isFinite),
    )
  );
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
