/** How many pictures there are with each style and tag, as the filters show them. */

import type { FacetValue, Schemas } from "@/api/client";

export interface ChipCounts {
  /** What was counted: the pictures that the other filters select, or the best results. */
  of: "gallery" | "results";
  styles: readonly FacetValue[];
  groups: readonly Schemas["StyleGroupCount"][];
  /** Tags that could be added. */
  tags: readonly FacetValue[];
  /** Tags that are filters. */
  chosen: readonly FacetValue[];
}

export function countsOfResults(facets: Schemas["FacetsOfResults"]): ChipCounts {
  const { styles, style_groups: groups, tags } = facets;
  return { of: "results", styles, groups, tags, chosen: tags };
}

export function countsOfGallery(counts: Schemas["GalleryCounts"]): ChipCounts {
  const { styles, style_groups: groups, tags, chosen_tags: chosen } = counts;
  return { of: "gallery", styles, groups, tags, chosen };
}

/** The count of a value; null while it is not known. */
export function countOf(values: readonly FacetValue[] | undefined, value: string): number | null {
  if (values === undefined) return null;
  return values.find((known) => known.value === value)?.count ?? 0;
}
