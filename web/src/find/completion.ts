/** Completing a tag from what is typed, where the server does not do it itself. */

import type { FacetValue } from "@/api/pictures";

/** Tags that begin so, then tags with a word that begins so, then tags that hold it; the frequent first. */
export function completions(known: readonly FacetValue[], typed: string, taken: readonly string[], most = 8): FacetValue[] {
  const wanted = typed.trim().toLowerCase().replaceAll(/\s+/g, "_");
  const rank = ({ value }: FacetValue): number => {
    const tag = value.toLowerCase();
    if (tag.startsWith(wanted)) return 0;
    if (tag.includes(`_${wanted}`)) return 1;
    return tag.includes(wanted) ? 2 : 3;
  };
  return known
    .filter((facet) => !taken.includes(facet.value) && rank(facet) < 3)
    .sort((left, right) => rank(left) - rank(right) || right.count - left.count)
    .slice(0, most);
}
