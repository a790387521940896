/** What of a drawing is searched by, as a short name: the same name, the same answer. */

import { hasInk, type Drawing } from "./drawing";

/** Null when there is nothing on the pad to search by. The mask plays no part. */
export function searchedPart(drawing: Drawing): string | null {
  if (drawing.base === null && !hasInk(drawing, "line")) return null;
  const ids = drawing.strokes.filter((stroke) => stroke.layer === "line").map((stroke) => stroke.id);
  const base = drawing.base === null ? "" : `${drawing.base.name} ${drawing.base.url.length} ${drawing.base.url.slice(-64)}`;
  return `${ids.length}-${hash(`${ids.join(" ")}|${base}|${drawing.width}x${drawing.height}`)}`;
}

/** FNV-1a: short and even; nothing secret depends on it. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return (value >>> 0).toString(16);
}
