import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";

import { plural } from "@/lib/format";
import { useSession } from "@/state/session";

import { nearest, gridOf } from "./grid";
import { scaleOf, type Place } from "./frame";
import { listenToKeys } from "./keys";
import { startPainting } from "./painting";
import { groupsOn, type GalleryMap } from "./places";
import { listen } from "./pointer";
import { cornersOf, indicesInside } from "./region";
import { setMap, useMap, type Pointed } from "./store";

/** How near the pointer has to be to a picture, in pixels. */
const NEAR = { pointer: 14, touch: 26, keys: 400 } as const;

interface MapCanvasProps {
  map: GalleryMap;
  onOpen: (index: number) => void;
}

/** All pictures as dots, or as thumbnails where few of them are in view. */
export function MapCanvas({ map, onOpen }: MapCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = useDark();
  const grid = useMemo(() => gridOf(map), [map]);
  const groups = useMemo(() => groupsOn(map), [map]);

  useEffect(() => {
    const element = canvas.current;
    return element === null ? undefined : startPainting(element, map, grid.items, dark);
  }, [map, grid, dark]);

  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const find = (place: Place, by: Pointed["by"]): Pointed | null => {
      const { view, frame } = useMap.getState();
      const index = nearest(grid, place, NEAR[by] / scaleOf(view, frame));
      return index === null ? null : { index, by };
    };
    const point = (next: Pointed | null) => {
      const { pointed } = useMap.getState();
      if (pointed?.index !== next?.index || pointed?.by !== next?.by) setMap({ pointed: next });
    };
    const stopPointer = listen(element, {
      onHover: (place) => {
        // What a finger or the keys have chosen stays until the pointer is at another picture.
        const next = place === null ? null : find(place, "pointer");
        if (next !== null || useMap.getState().pointed?.by === "pointer") point(next);
      },
      onTap: (place, byTouch) => {
        const next = find(place, byTouch ? "touch" : "pointer");
        const isAgain = next !== null && useMap.getState().pointed?.index === next.index;
        point(next);
        if (next !== null && (!byTouch || isAgain)) onOpen(next.index);
      },
      onLasso: (line) => {
        const lasso = cornersOf(line);
        const chosen = indicesInside(map, lasso);
        setMap({ chosen, lasso: chosen.length > 0 ? lasso : [] });
      },
    });
    const stopKeys = listenToKeys({
      onMove: () => point(find(useMap.getState().view, "keys")),
      onEnter: () => {
        const { pointed } = useMap.getState();
        if (pointed !== null) onOpen(pointed.index);
        return pointed !== null;
      },
    });
    return () => {
      stopPointer();
      stopKeys();
    };
  }, [map, grid, onOpen]);

  const isLasso = useMap(({ tool }) => tool === "lasso");
  const pointing = useMap(({ pointed }) => pointed?.by === "pointer");
  const cursor = pointing ? "cursor-pointer" : isLasso ? "cursor-crosshair" : "cursor-grab";
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={`Map of ${plural(map.ids.length, "picture")} in ${plural(groups, "group")}`}
      className={`absolute inset-0 size-full touch-none bg-well text-ink ${cursor}`}
    />
  );
}

const scheme = window.matchMedia("(prefers-color-scheme: dark)");

function watchScheme(onChange: () => void): () => void {
  scheme.addEventListener("change", onChange);
  return () => scheme.removeEventListener("change", onChange);
}

function useDark(): boolean {
  const system = useSyncExternalStore(watchScheme, () => scheme.matches);
  const theme = useSession((session) => session.theme);
  return theme === "system" ? system : theme === "dark";
}
