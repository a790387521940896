/** A short key for the part of a drawing that is searched by. Equal keys give equal answers. */

import { hasInk, type Drawing } from "./drawing";

/** Null when there is nothing to search by. The mask does not count. */
export function searchedPart(drawing: Drawing): string | null {
  if (drawing.base === null && !hasInk(drawing, "line")) return null;
  const ids = drawing.strokes
    .filter((stroke) => stroke.layer === "line")
    .map((stroke) => stroke.id);
  const { width, height } = drawing;
  return `${ids.length}-${hash(`${ids.join(" ")}|${baseKey(drawing)}|${width}x${height}`)}`;
}

function baseKey({ base }: Drawing): string {
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
