import { Map as MapIcon, X } from "lucide-react";

import { useLeft } from "@/gallery/some";
import { plural } from "@/lib/format";
import { Button } from "@/ui/button";

import { useQueryState } from "./query-state";
import { idsWithin, type Within } from "./within";

/** The pictures of the map that are searched, or the way to choose them. */
export function WithinChip() {
  const within = useQueryState((query) => query.within);
  if (within !== null) return <Chosen within={within} />;
  return (
    <Button look="ghost" size="icon-tiny" asChild>
      <a href="#/map" aria-label="Choose pictures on the map" title="Choose pictures on the map">
        <MapIcon />
      </a>
    </Button>
  );
}

function Chosen({ within }: { within: Within }) {
  const set = useQueryState((query) => query.set);
  const { length } = useLeft(idsWithin(within));
  const name = `In ${plural(length, "picture")} of the map`;
  return (
    <span
      className="inline-flex h-7 items-center rounded-full border border-blue bg-blue-soft pl-2.5
        text-xs font-medium text-blue"
    >
      <a href="#/map" title="Choose others on the map" className="tabular">
        {name}
      </a>
      <button
        type="button"
        aria-label={`Remove the filter ${name}`}
        className="px-1.5"
        onClick={() => set({ within: null })}
      >
        <X className="size-3.5" />
      </button>
    </span>
  );
}
