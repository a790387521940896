/** How the mask is shown: red and white stripes, of which one can be seen on any ground. */

export const MASK_COLOUR = "#d8343a";
export const MASK_OPACITY = 0.7;
const OTHER = "#fff";
/** The width of a stripe in pixels of the canvas. */
const STRIPE = 6;

const patterns = new Map<number, CanvasPattern>();

/** The pattern for a screen with so many pixels for one CSS pixel. */
export function stripes(ratio = 1): CanvasPattern | string {
  const known = patterns.get(ratio);
  if (known !== undefined) return known;
  const tile = document.createElement("canvas");
  const side = Math.max(2, Math.round(STRIPE * ratio)) * 2;
  tile.width = side;
  tile.height = side;
  const context = tile.getContext("2d");
  if (context === null) return MASK_COLOUR;
  context.fillStyle = MASK_COLOUR;
  context.fillRect(0, 0, side, side);
  context.strokeStyle = OTHER;
  context.lineWidth = side / 2 / Math.SQRT2;
  // Three diagonals, so that the tiles fit together.
  for (const offset of [-side, 0, side]) {
    context.moveTo(offset - side, side * 2);
    context.lineTo(offset + side * 2, -side);
  }
  context.stroke();
  const pattern = context.createPattern(tile, "repeat");
  if (pattern === null) return MASK_COLOUR;
  patterns.set(ratio, pattern);
  return pattern;
}

/** Gives everything that is on a canvas the stripes. */
export function makeStriped(context: CanvasRenderingContext2D, ratio: number): void {
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.globalAlpha = 1;
  context.fillStyle = stripes(ratio);
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.restore();
}
