/** Where thumbnails are shown: at their dots, as far as they do not cover each other. */

import type { Place } from "./frame";

export interface Spot extends Place {
  index: number;
}

/** Earlier spots come first, so that a moved map keeps its thumbnails. */
export function withoutOverlap(spots: readonly Spot[], side: number): Spot[] {
  const kept: Spot[] = [];
  for (const spot of spots) {
    const covers = ({ x, y }: Spot) => Math.abs(x - spot.x) < side && Math.abs(y - spot.y) < side;
    if (!kept.some(covers)) kept.push(spot);
  }
  return kept;
}
