/** Dots in a picture of 32 bits a pixel. Drawing 100,000 by the canvas itself would be slow. */

/** A picture with a border around what is shown, so that no dot has to be cut off. */
export interface Raster {
  pixels: Int32Array;
  /** With the border on both sides. */
  width: number;
}

/** The widest border that a dot needs. */
export const BORDER = 16;

/** The pixels of a dot, as distances from its middle in the list of pixels. */
export interface Dot {
  reach: number;
  inner: Int32Array;
  /** The pixels that are covered in part. */
  outer: Int32Array;
  /** How much of each of them is covered, of 256. */
  cover: Int32Array;
}

const FULL = 256;

/** A dot for pictures of this width. */
export function dotOf(radius: number, width: number): Dot {
  const reach = Math.min(BORDER, Math.ceil(radius));
  const side = Array.from({ length: 2 * reach + 1 }, (_, index) => index - reach);
  const pixels = side.flatMap((down) =>
    side.map((right) => {
      const covered = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(right, down)));
      return { at: down * width + right, cover: Math.round(covered * FULL) };
    }),
  );
  const outer = pixels.filter(({ cover }) => cover > 0 && cover < FULL);
  return {
    reach,
    inner: Int32Array.from(
      pixels.filter(({ cover }) => cover === FULL),
      ({ at }) => at,
    ),
    outer: Int32Array.from(outer, ({ at }) => at),
    cover: Int32Array.from(outer, ({ cover }) => cover),
  };
}

/** Red and blue of a colour, which are mixed at once. */
const RED_BLUE = 0xff00ff;
const GREEN = 0xff00;
const OPAQUE = 0xff000000 | 0;

/** A colour over another one, both with their bytes as red, green and blue from the lowest. */
export function mixed(under: number, over: number, cover: number): number {
  const redBlue = under & RED_BLUE;
  const green = under & GREEN;
  const more = Math.imul((over & RED_BLUE) - redBlue, cover) >> 8;
  const greener = Math.imul((over & GREEN) - green, cover) >> 8;
  return OPAQUE | ((redBlue + more) & RED_BLUE) | ((green + greener) & GREEN);
}

/** Paints a dot around a pixel. */
export function paintDot(pixels: Int32Array, dot: Dot, middle: number, colour: number): void {
  const { inner, outer, cover } = dot;
  for (let part = 0; part < inner.length; part += 1) {
    pixels[middle + (inner[part] as number)] = colour;
  }
  for (let part = 0; part < outer.length; part += 1) {
    const at = middle + (outer[part] as number);
    pixels[at] = mixed(pixels[at] as number, colour, cover[part] as number);
  }
}

/** The radius of dots in pixels of the screen: small for many pictures, larger when zoomed. */
export function radiusOf(count: number, zoom: number): number {
  return Math.min(7, (0.9 + 60 / Math.sqrt(Math.max(400, count))) * zoom ** 0.35);
}
