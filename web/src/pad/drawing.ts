/** The drawing as data. Coordinates are those of the paper, independent of the screen. */

import { FIRST_LAYERS, MASK, shown, type Layer } from "./layers";

/** x, y, and the pressure of the pen, 0..1. */
export type Point = readonly [number, number, number];

/**
 * What a stroke is if it is not drawn freehand. The points of a line, a rectangle and an ellipse
 * are two opposite ends; those of an area are its borders, which `breaks` divides.
 */
export type Shape = "line" | "rectangle" | "ellipse" | "area";

export interface Stroke {
  id: string;
  /** The id of its layer. */
  layer: string;
  erases: boolean;
  colour: string;
  size: number;
  /** Whether the points have the pressure of a pen. Those of a mouse do not. */
  pressure: boolean;
  points: readonly Point[];
  shape?: Shape;
  /** Indexes of points where another border of an area begins. */
  breaks?: readonly number[];
}

/** A generated picture of the history. */
export interface MadePlace {
  /** Its entry, which has the id of its job. */
  id: string;
  index: number;
}

export interface Base {
  /** A data URL of a PNG or JPEG. */
  url: string;
  width: number;
  height: number;
  name: string;
  /** The generated picture that it is. */
  from?: MadePlace;
}

export interface Drawing {
  width: number;
  height: number;
  base: Base | null;
  /** From the lowest to the highest. The mask is above all of them, and not listed. */
  layers: readonly Layer[];
  strokes: readonly Stroke[];
}

export type Change =
  | { type: "stroke"; stroke: Stroke }
  | { type: "clear"; layer: string }
  | { type: "layers"; layers: readonly Layer[] }
  /** `mark` is a new id: the moved strokes are known by it. */
  | { type: "move"; strokes: ReadonlySet<string>; right: number; down: number; mark: string }
  | { type: "remove"; strokes: ReadonlySet<string> }
  | { type: "base"; base: Base | null }
  | { type: "ratio"; ratio: string }
  | { type: "new" };

/** The length of the paper's longer side, in the units of coordinates and brush sizes. */
export const LONG_SIDE = 900;
export const EMPTY: Drawing = {
  width: LONG_SIDE,
  height: LONG_SIDE,
  base: null,
  layers: FIRST_LAYERS,
  strokes: [],
};

export function paperOf(width: number, height: number): { width: number; height: number } {
  const scale = LONG_SIDE / Math.max(width, height);
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/** The two numbers of `W:H`, or null if it is no ratio. */
export function ratioOf(ratio: string): [number, number] | null {
  const [, width, height] = ratio.match(/^(\d{1,4}):(\d{1,4})$/) ?? [];
  return Number(width) > 0 && Number(height) > 0 ? [Number(width), Number(height)] : null;
}

export function applyChange(drawing: Drawing, change: Change): Drawing {
  switch (change.type) {
    case "stroke":
      return {
        ...drawing,
        // Nobody draws on a layer that cannot be seen.
        layers: shown(drawing.layers, change.stroke.layer),
        strokes: [...drawing.strokes, change.stroke],
      };
    case "clear": {
      const strokes = drawing.strokes.filter((stroke) => stroke.layer !== change.layer);
      return strokes.length === drawing.strokes.length ? drawing : { ...drawing, strokes };
    }
    case "layers": {
      const known = new Set([MASK, ...change.layers.map(({ id }) => id)]);
      const strokes = drawing.strokes.filter((stroke) => known.has(stroke.layer));
      return { ...drawing, layers: change.layers, strokes };
    }
    case "move": {
      const { right, down, mark } = change;
      if (change.strokes.size === 0 || (right === 0 && down === 0)) return drawing;
      const strokes = drawing.strokes.map((stroke) =>
        change.strokes.has(stroke.id)
          ? moved(stroke, right, down, movedId(stroke.id, mark))
          : stroke,
      );
      return { ...drawing, strokes };
    }
    case "remove": {
      const strokes = drawing.strokes.filter(({ id }) => !change.strokes.has(id));
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
  // A new id, because the screen knows strokes by their id.
  const strokes = drawing.strokes.map((stroke) => moved(stroke, right, down, `${stroke.id}+`));
  return { ...drawing, width, height, strokes };
}

function moved(stroke: Stroke, right: number, down: number, id: string): Stroke {
  const points = stroke.points.map(([x, y, force]): Point => [x + right, y + down, force]);
  return { ...stroke, id, points };
}

/** The id of a stroke after a move, which is as long after many moves as after one. */
export function movedId(id: string, mark: string): string {
  return `${id.split("+")[0] ?? id}+${mark}`;
}

export function isEmpty(drawing: Drawing): boolean {
  return drawing.base === null && drawing.strokes.length === 0;
}
