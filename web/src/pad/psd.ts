/** Photoshop files. This is loaded with the first one. */

import { readPsd } from "ag-psd";

/** A picture that can be drawn. */
export interface Decoded {
  source: CanvasImageSource;
  width: number;
  height: number;
  close: () => void;
}

/** 40 megapixels, as for pictures on the server. */
const MOST_PIXELS = 40_000_000;

const READING = {
  skipLayerImageData: true,
  skipThumbnail: true,
  skipLinkedFilesData: true,
} as const;

/** The picture of all layers together, which Photoshop stores beside them. */
export async function decodedPsd(file: Blob, name: string): Promise<Decoded> {
  const bytes = await file.arrayBuffer();
  // The size is in the header, and is checked before any pixels are decoded.
  const header = new DataView(bytes);
  const short = bytes.byteLength < 26;
  const [high, wide] = short ? [0, 0] : [header.getUint32(14), header.getUint32(18)];
  if (wide * high > MOST_PIXELS)
    throw new Error(
      `${name} has ${wide} × ${high} pixels, which is more than 40 megapixels. ` +
        "Save a smaller copy.",
    );
  let canvas: HTMLCanvasElement | undefined;
  try {
    ({ canvas } = readPsd(bytes, READING));
  } catch (error) {
    const reason = error instanceof Error ? ` (${error.message})` : "";
    throw new Error(
      `${name} is not a PSD that can be read here${reason}. ` +
        "Save it as RGB with 8 bits, or as a PNG.",
    );
  }
  if (canvas === undefined)
    throw new Error(
      `${name} has no picture of its layers together. Save it with "Maximize compatibility", ` +
        "or as a PNG.",
    );
  return { source: canvas, width: canvas.width, height: canvas.height, close: () => undefined };
}
