/** Filters known tags while the artist types, before the server has answered. */

import type { FacetValue } from "@/api/client";

/** The tag that typed words mean. */
export function tagOf(typed: string): string {
  return typed.trim().toLowerCase().replaceAll(/\s+/g, "_");
}

/**
 * Tags that start with the typed words, then tags with a word that starts with them, then tags that
 * contain them. The most frequent come first.
 */
export function completions(
  known: readonly FacetValue[],
  typed: string,
  taken: readonly string[],
  most = 8,
): FacetValue[] {
  const wanted = tagOf(typed);
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

/**
 * The tags of typed words, separated by commas. Spaces become underscores, as in most tags. A tag
 * that is known in another spelling gets the known one.
 */
export function typedTags(typed: string, known: readonly FacetValue[] = []): string[] {
  const tags = typed.split(",").flatMap((part) => {
    const plain = tagOf(part);
    if (plain === "") return [];
    const same = known.find(({ value }) => tagOf(value) === plain);
    return [same?.value ?? part.trim().replaceAll(/\s+/g, "_")];
  });
  return [...new Set(tags)];
}
