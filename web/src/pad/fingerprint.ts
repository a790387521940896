/** A short key for the part of a drawing that is searched by. Equal keys give equal answers. */

import type { Drawing } from "./drawing";
import { hasInk, seenBase, seenLayers } from "./seen";

/** Null when there is nothing to search by. The mask does not count. */
export function searchedPart(drawing: Drawing): string | null {
  if (seenBase(drawing) === null && !hasInk(drawing, "line")) return null;
  const layers = seenLayers(drawing).filter(({ strokes }) => strokes.length > 0);
  const ids = layers.map(
    ({ opacity, strokes }) => `${opacity}: ${strokes.map(({ id }) => id).join(" ")}`,
  );
  const count = layers.reduce((sum, { strokes }) => sum + strokes.length, 0);
  const { width, height } = drawing;
  return `${count}-${hash(`${ids.join("|")}|${baseKey(drawing)}|${width}x${height}`)}`;
}

function baseKey(drawing: Drawing): string {
  const base = seenBase(drawing);
  return base === null ? "" : `${base.name} ${base.url.length} ${base.url.slice(-64)}`;
}

/** FNV-1a: short and evenly distributed. It protects nothing. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return (value >>> 0).toString(16);
}
