import { useMemo } from "react";

import { useSavedIds } from "@/api/use-boards";
import { useReferences } from "@/references/store";

import type { Marks } from "./card";
import { useQueryState } from "./query-state";

/** The artist's earlier actions on the picture with this id. */
export function useMarks(): (id: string) => Marks {
  const references = useReferences((state) => state.references);
  const saved = useSavedIds();
  const { likes, styles } = useQueryState();
  return useMemo(() => {
    const referredIds = new Set(
      references.flatMap(({ source }) => (source.kind === "gallery" ? [source.id] : [])),
    );
    const savedIds = new Set(saved);
    const likedIds = new Set(likes.map(({ id }) => id));
    const styledIds = new Set(styles.map(({ id }) => id));
    return (id: string) => ({
      saved: savedIds.has(id),
      referred: referredIds.has(id),
      liked: likedIds.has(id),
      styled: styledIds.has(id),
    });
  }, [references, saved, likes, styles]);
}
