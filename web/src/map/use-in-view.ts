import { useMemo } from "react";

import { useDebounced } from "@/lib/use-debounced";

import { windowOf } from "./frame";
import type { GalleryMap, Indices } from "./places";
import { indicesIn } from "./region";
import { useMap } from "./store";

/** While the map moves, nothing is counted. */
const PAUSE = 120;

/** The pictures that are in view. */
export function useInView(map: GalleryMap): Indices {
  const view = useDebounced(useMap((state) => state.view), PAUSE);
  const frame = useDebounced(useMap((state) => state.frame), PAUSE);
  return useMemo(() => indicesIn(map, windowOf(view, frame)), [map, view, frame]);
}
