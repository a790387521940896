/** Whether the pictures that were found follow one part of a query and ignore the other. */

import type { Hit } from "@/api/results";

/** The first pictures of a page, which are seen without scrolling. */
const SEEN = 8;
/** With fewer pictures, there is nothing to tell them from chance. */
const FEWEST = 4;
/**
 * A picture fits if so much of the collection is further away. One in a hundred pictures does by
 * chance, so eight that have nothing to do with a query have none in nine of ten cases.
 */
const FITS = 0.99;
/** The pictures of a page follow what half of them are among the nearest tenth of. */
const FOLLOWS = 0.9;
/** Tags that cover more than half of the words fit them: "red" alone is no "red apple". */
const COVERED = 0.5;

type Compared = Pick<Hit, "percentiles" | "wordsPercentile" | "lexical">;
export type Side = "drawing" | "words";

/** How near a picture is to the drawing, in its look or its shape. */
function nearDrawing({ percentiles: { image, edge } }: Compared): number | null {
  return image === null && edge === null ? null : Math.max(image ?? 0, edge ?? 0);
}

function nearWords({ wordsPercentile, lexical }: Compared): number | null {
  if (lexical !== null && lexical > COVERED) return 1;
  return wordsPercentile;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/**
 * The part of a query that none of the first pictures fits while they follow the other one. Null if
 * they fit both or none, and without percentiles.
 */
export function ignoredSide(hits: readonly Compared[]): Side | null {
  const seen = hits.slice(0, SEEN);
  if (seen.length < FEWEST) return null;
  const drawing = seen.map(nearDrawing).filter((near) => near !== null);
  const words = seen.map(nearWords).filter((near) => near !== null);
  if (drawing.length < seen.length || words.length < seen.length) return null;
  const isIgnored = (ignored: readonly number[], followed: readonly number[]) =>
    median(followed) >= FOLLOWS && median(ignored) < FOLLOWS && Math.max(...ignored) < FITS;
  if (isIgnored(words, drawing)) return "words";
  return isIgnored(drawing, words) ? "drawing" : null;
}
