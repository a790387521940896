/** Pictures of the drawing for searches and generations, independent of the screen. */

import type { Base, Drawing, Stroke } from "./drawing";
import { dataUrlOf, decoded } from "./files";
import { formOf, paintForm } from "./form";
import { isVisible, MASK } from "./layers";
import { hasInk, seenBase, seenLayers } from "./seen";
import { makeStriped, MASK_OPACITY } from "./stripes";

/** The limit of providers, which also keeps the browser's storage small. */
const LARGEST_BASE = 1536;

/** The lines on white paper. Null when nothing is drawn. */
export async function sketchPicture(drawing: Drawing): Promise<Blob | null> {
  if (!hasInk(drawing, "line")) return null;
  const { canvas, context } = paper(drawing.width, drawing.height, "#fff");
  paintLines(context, drawing, 1);
  return blobOf(canvas);
}

/**
 * The mask in the size of the base: white where the base is painted again, black elsewhere. Null
 * without a mask or a base.
 */
export async function maskPicture(drawing: Drawing): Promise<Blob | null> {
  const base = seenBase(drawing);
  if (base === null || !hasInk(drawing, "mask")) return null;
  const { width, height } = base;
  const { canvas, context } = paper(width, height, "#000");
  context.drawImage(
    layerPicture(drawing, strokesOf(drawing, MASK), width / drawing.width, "#fff"),
    0,
    0,
    width,
    height,
  );
  // Antialiased edges would be neither inside nor outside of the mask.
  const pixels = context.getImageData(0, 0, width, height);
  for (let index = 0; index < pixels.data.length; index += 4) {
    const value = (pixels.data[index] ?? 0) >= 128 ? 255 : 0;
    pixels.data.fill(value, index, index + 3);
  }
  context.putImageData(pixels, 0, 0);
  return blobOf(canvas);
}

/** A small picture of the whole drawing, for a list. */
export async function thumbnail(drawing: Drawing, side: number): Promise<HTMLCanvasElement> {
  const scale = side / Math.max(drawing.width, drawing.height);
  const { canvas, context } = await visiblePicture(drawing, scale);
  const mask = layerPicture(drawing, strokesOf(drawing, MASK), scale, null);
  const striped = mask.getContext("2d");
  if (striped !== null) makeStriped(striped, 1);
  context.globalAlpha = MASK_OPACITY;
  context.drawImage(mask, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** All visible layers and the base, on white paper. */
export async function visiblePicture(drawing: Drawing, scale: number) {
  const { width, height } = sizeOf(drawing, scale);
  const { canvas, context } = paper(width, height, "#fff");
  for (const layer of drawing.layers.filter(isVisible)) {
    context.globalAlpha = layer.opacity;
    if (layer.kind === "lines") {
      const lines = layerPicture(drawing, strokesOf(drawing, layer.id), scale, null);
      context.drawImage(lines, 0, 0, width, height);
    } else if (drawing.base !== null) {
      const image = new Image();
      image.src = drawing.base.url;
      await image.decode();
      context.drawImage(image, 0, 0, width, height);
    }
  }
  context.globalAlpha = 1;
  return { canvas, context };
}

/** The lines that can be seen, without the base. */
function paintLines(context: CanvasRenderingContext2D, drawing: Drawing, scale: number): void {
  for (const { opacity, strokes } of seenLayers(drawing)) {
    context.globalAlpha = opacity;
    context.drawImage(layerPicture(drawing, strokes, scale, null), 0, 0);
  }
  context.globalAlpha = 1;
}

function strokesOf(drawing: Drawing, layer: string): Stroke[] {
  return drawing.strokes.filter((stroke) => stroke.layer === layer);
}

function sizeOf(drawing: Drawing, scale: number): { width: number; height: number } {
  return {
    width: Math.max(1, Math.round(drawing.width * scale)),
    height: Math.max(1, Math.round(drawing.height * scale)),
  };
}

/** One layer on its own, so that its eraser does not change other layers. */
export function layerPicture(
  drawing: Drawing,
  strokes: readonly Stroke[],
  scale: number,
  colour: string | null,
): HTMLCanvasElement {
  const { width, height } = sizeOf(drawing, scale);
  const { canvas, context } = paper(width, height, null);
  context.scale(scale, scale);
  for (const stroke of strokes) {
    context.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
    context.fillStyle = colour ?? stroke.colour;
    context.strokeStyle = colour ?? stroke.colour;
    paintForm(context, formOf(stroke));
  }
  return canvas;
}

function paper(width: number, height: number, colour: string | null) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, width);
  canvas.height = Math.max(1, height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser cannot draw on a canvas.");
  if (colour !== null) {
    context.fillStyle = colour;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  return { canvas, context };
}

function blobOf(canvas: HTMLCanvasElement, type = "image/png", quality?: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be written."))),
      type,
      quality,
    );
  });
}

/** A file as a base, turned upright and scaled down if it is too large. */
export async function baseOf(file: Blob, name: string, largest = LARGEST_BASE): Promise<Base> {
  const picture = await decoded(file, name);
  const scale = Math.min(1, largest / Math.max(picture.width, picture.height));
  const { canvas, context } = paper(
    Math.round(picture.width * scale),
    Math.round(picture.height * scale),
    "#fff",
  );
  context.imageSmoothingQuality = "high";
  context.drawImage(picture.source, 0, 0, canvas.width, canvas.height);
  picture.close();
  const small = canvas.width * canvas.height <= 1024 * 1024;
  const blob = small ? await blobOf(canvas) : await blobOf(canvas, "image/jpeg", 0.92);
  return { url: await dataUrlOf(blob), width: canvas.width, height: canvas.height, name };
}

/** The base as a file, if it can be seen. */
export function basePicture(drawing: Drawing): Blob | null {
  const base = seenBase(drawing);
  return base === null ? null : fileOfUrl(base.url);
}

/** The file of a data URL in base64; null for another address. */
export function fileOfUrl(url: string): Blob | null {
  const [, type, content] = url.match(/^data:([^;,]+);base64,(.*)$/) ?? [];
  if (type === undefined || content === undefined) return null;
  return new Blob([Uint8Array.from(atob(content), (character) => character.charCodeAt(0))], {
    type,
  });
}
