/** The colours of the groups. Neighbours in the list differ in hue and in lightness. */

import { mixed } from "./dots";
import { NO_GROUP } from "./places";

/** The golden angle: hues stay apart, however many there are. */
const TURN = 137.508;
const LIGHTNESS = { light: [0.58, 0.46, 0.68], dark: [0.76, 0.64, 0.86] } as const;

function shade(group: number, theme: "light" | "dark"): string {
  const lightness = LIGHTNESS[theme];
  if (group === NO_GROUP) return `oklch(${lightness[0]} 0 0)`;
  const hue = (25 + group * TURN) % 360;
  return `oklch(${lightness[group % lightness.length]} 0.15 ${hue.toFixed(1)})`;
}

/** The colour of a group for a style sheet. */
export function colourOf(group: number): string {
  return `light-dark(${shade(group, "light")}, ${shade(group, "dark")})`;
}

/** Colours as numbers, for the pixels of a picture. */
export interface Palette {
  background: number;
  ink: string;
  /** By group. The last one is that of pictures without a group. */
  groups: Int32Array;
  /** The same for pictures that are not meant. */
  dim: Int32Array;
}

/** How much of a colour is left of pictures that are not meant, of 256. */
const DIM = 56;

export function paletteOf(element: Element, groups: number, dark: boolean): Palette {
  const { backgroundColor, color } = getComputedStyle(element);
  const theme = dark ? "dark" : "light";
  const shades = Array.from({ length: groups }, (_, group) => shade(group, theme));
  const numbers = numbersOf([backgroundColor, ...shades, shade(NO_GROUP, theme)]);
  const background = numbers[0] as number;
  const known = numbers.slice(1);
  return {
    background,
    ink: color,
    groups: known,
    dim: known.map((colour) => mixed(background, colour, DIM)),
  };
}

/** The browser itself turns colours into numbers. */
function numbersOf(colours: readonly string[]): Int32Array {
  const canvas = document.createElement("canvas");
  canvas.width = colours.length;
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return new Int32Array(colours.length);
  colours.forEach((colour, index) => {
    context.fillStyle = colour;
    context.fillRect(index, 0, 1, 1);
  });
  const { data } = context.getImageData(0, 0, colours.length, 1);
  return new Int32Array(data.buffer.slice(0));
}
