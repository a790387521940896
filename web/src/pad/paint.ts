/** Pictures of the drawing for searches and generations, independent of the screen. */

import { hasInk, type Base, type Drawing, type Layer } from "./drawing";
import { pathOf } from "./outline";

/** The limit of providers, which also keeps the browser's storage small. */
const LARGEST_BASE = 1536;

/** The lines on white paper. Null when nothing is drawn. */
export async function sketchPicture(drawing: Drawing): Promise<Blob | null> {
  if (!hasInk(drawing, "line")) return null;
  const { canvas, context } = paper(drawing.width, drawing.height, "#fff");
  context.drawImage(layerPicture(drawing, "line", 1, null), 0, 0);
  return blobOf(canvas);
}

/**
 * The mask in the size of the base: white where the base is painted again, black elsewhere. Null
 * without a mask or a base.
 */
export async function maskPicture(drawing: Drawing): Promise<Blob | null> {
  if (drawing.base === null || !hasInk(drawing, "mask")) return null;
  const { width, height } = drawing.base;
  const { canvas, context } = paper(width, height, "#000");
  context.drawImage(
    layerPicture(drawing, "mask", width / drawing.width, "#fff"),
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
  const { canvas, context } = paper(
    Math.round(drawing.width * scale),
    Math.round(drawing.height * scale),
    "#fff",
  );
  if (drawing.base !== null) {
    const image = new Image();
    image.src = drawing.base.url;
    await image.decode();
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
  }
  context.drawImage(layerPicture(drawing, "line", scale, null), 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 0.5;
  context.drawImage(
    layerPicture(drawing, "mask", scale, "#d8343a"),
    0,
    0,
    canvas.width,
    canvas.height,
  );
  return canvas;
}

/** One layer on its own, so that its eraser does not change other layers. */
function layerPicture(
  drawing: Drawing,
  layer: Layer,
  scale: number,
  colour: string | null,
): HTMLCanvasElement {
  const { canvas, context } = paper(
    Math.round(drawing.width * scale),
    Math.round(drawing.height * scale),
    null,
  );
  context.scale(scale, scale);
  for (const stroke of drawing.strokes) {
    if (stroke.layer !== layer) continue;
    context.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
    context.fillStyle = colour ?? stroke.colour;
    context.fill(new Path2D(pathOf(stroke)));
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

export function dataUrlOf(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    const fail = () => reject(new Error("The picture could not be read."));
    reader.onload = () => (typeof reader.result === "string" ? resolve(reader.result) : fail());
    reader.onerror = fail;
    reader.readAsDataURL(blob);
  });
}

/** A file as a base, turned upright and scaled down if it is too large. */
export async function baseOf(file: Blob, name: string, largest = LARGEST_BASE): Promise<Base> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`${name} is not a picture that this browser can read.`);
  }
  const scale = Math.min(1, largest / Math.max(bitmap.width, bitmap.height));
  const { canvas, context } = paper(
    Math.round(bitmap.width * scale),
    Math.round(bitmap.height * scale),
    "#fff",
  );
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const small = canvas.width * canvas.height <= 1024 * 1024;
  const blob = small ? await blobOf(canvas) : await blobOf(canvas, "image/jpeg", 0.92);
  return { url: await dataUrlOf(blob), width: canvas.width, height: canvas.height, name };
}

/** The base as a file. */
export function basePicture({ base }: Drawing): Blob | null {
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
