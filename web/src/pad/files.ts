/** Decodes the pictures that artists have: what the browser reads, SVG, and PSD. */

import type { Decoded } from "./psd";

/** The longer side of an SVG, which has no pixels of its own. */
const SVG_SIDE = 1024;
const PSD_START = "8BPS";

/** A file, upright. `name` is for errors. */
export async function decoded(file: Blob, name: string): Promise<Decoded> {
  if (isSvg(file, name)) return decodedSvg(file, name);
  if ((await file.slice(0, PSD_START.length).text()) === PSD_START) {
    const { decodedPsd } = await import("./psd");
    return decodedPsd(file, name);
  }
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const { width, height } = bitmap;
    return { source: bitmap, width, height, close: () => bitmap.close() };
  } catch {
    throw new Error(`${name} is not a picture that this browser can read.`);
  }
}

function isSvg(file: Blob, name: string): boolean {
  return file.type === "image/svg+xml" || (file.type === "" && /\.svg$/i.test(name));
}

/** An image element runs no scripts of an SVG, and loads nothing that it refers to. */
async function decodedSvg(file: Blob, name: string): Promise<Decoded> {
  const image = new Image();
  image.src = await dataUrlOf(new Blob([file], { type: "image/svg+xml" }));
  try {
    await image.decode();
  } catch {
    throw new Error(
      `${name} is not an SVG that this browser can read. Save it again from the program that ` +
        "made it, or save it as a PNG.",
    );
  }
  const [wide, high] = [image.naturalWidth || SVG_SIDE, image.naturalHeight || SVG_SIDE];
  const scale = SVG_SIDE / Math.max(wide, high);
  return { source: image, width: wide * scale, height: high * scale, close: () => undefined };
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
