import { useMemo } from "react";

import { cn } from "@/lib/classes";
import { count, outOf, words } from "@/lib/format";

import { colourOf } from "./colours";
import { countGroups, NO_GROUP, type GalleryMap, type Indices } from "./places";
import { setMap, useMap } from "./store";

interface LegendProps {
  map: GalleryMap;
  inView: Indices;
}

/** The groups in view with their colours. One that is pressed stands out on the map. */
export function Legend({ map, inView }: LegendProps) {
  const highlighted = useMap((state) => state.highlighted);
  const groups = useMemo(() => countGroups(map, inView), [map, inView]);
  return (
    <section
      aria-label="Groups in view"
      className="flex min-h-0 shrink-0 flex-col gap-1.5 border-t px-3 py-2 lg:w-60 lg:border-t-0
        lg:border-l"
    >
      <p role="status" className="tabular text-xs text-soft">
        {`${outOf(inView.length, map.ids.length, "picture")} in view`}
      </p>
      <ul
        className="scroll-slim -m-1 flex min-h-0 gap-1 p-1 max-lg:overflow-x-auto lg:flex-col
          lg:overflow-y-auto"
      >
        {groups.map(({ group, count: found }) => (
          <li key={group} className="shrink-0">
            <button
              type="button"
              aria-pressed={highlighted === group}
              title="Show where they are"
              onClick={() => setMap({ highlighted: highlighted === group ? null : group })}
              className={cn(
                "flex h-7 w-full items-center gap-2 rounded-md px-2 text-xs whitespace-nowrap",
                highlighted === group ? "bg-blue-soft text-blue" : "hover:bg-well",
              )}
            >
              <span
                aria-hidden
                className="size-3 shrink-0 rounded-full"
                style={{ background: colourOf(group) }}
              />
              <span className="min-w-0 truncate">{nameOf(map, group)}</span>
              <span className="tabular ml-auto">{count(found)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function nameOf({ groups }: GalleryMap, group: number): string {
  return group === NO_GROUP ? "No group" : words(groups[group] ?? "");
}
