import { Search, X } from "lucide-react";

import { keepWithin, MOST_WITHIN } from "@/find/within";
import { useQueryState } from "@/find/query-state";
import { count, plural } from "@/lib/format";
import { showPanel } from "@/state/layout";
import { Button } from "@/ui/button";
import { IconButton } from "@/ui/icon-button";

import { windowOf, type Place } from "./frame";
import type { GalleryMap, Indices } from "./places";
import { cornersOfBox, indicesIn } from "./region";
import { forgetChoice, setMap, useMap } from "./store";

/** Limits the search to the pictures inside of a line and shows it, unless they are too many. */
function searchIn(map: GalleryMap, chosen: Indices, line: readonly Place[]): void {
  if (chosen.length > MOST_WITHIN) {
    setMap({ chosen, lasso: [] });
    return;
  }
  const ids = chosen.map((index) => map.ids[index] ?? "");
  const { space } = useMap.getState();
  const within = keepWithin(ids, { space, made: map.made, line });
  useQueryState.getState().set({ within });
  showPanel("find");
}

/** Limits the search to the pictures in view. */
export function searchInView(map: GalleryMap): void {
  const { view, frame } = useMap.getState();
  const box = windowOf(view, frame);
  searchIn(map, indicesIn(map, box), cornersOfBox(box));
}

/** The pictures that were chosen, and what can be done with them. */
export function Chosen({ map }: { map: GalleryMap }) {
  const chosen = useMap((state) => state.chosen);
  const lasso = useMap((state) => state.lasso);
  const tooMany = chosen.length > MOST_WITHIN;
  return (
    <div
      role="status"
      className="pointer-events-none absolute inset-x-2 bottom-2 z-10 flex justify-center pr-10"
    >
      {chosen.length > 0 && (
        <div
          className="pointer-events-auto flex flex-wrap items-center gap-x-3 gap-y-1.5 rounded-lg
            border bg-panel px-3 py-2 text-[0.8125rem] shadow-lg shadow-black/10"
        >
          {tooMany ? (
            <p className="min-w-0">
              {`${plural(chosen.length, "picture")} are too many to search in. ` +
                `Choose at most ${count(MOST_WITHIN)}.`}
            </p>
          ) : (
            <>
              <p className="tabular">{`${plural(chosen.length, "picture")} chosen`}</p>
              <Button size="small" look="solid" onClick={() => searchIn(map, chosen, lasso)}>
                <Search />
                {`Search in ${plural(chosen.length, "picture")}`}
              </Button>
            </>
          )}
          <IconButton name="Choose nothing" keys="Esc" onClick={forgetChoice}>
            <X />
          </IconButton>
        </div>
      )}
    </div>
  );
}
