import { Map as MapIcon, X } from "lucide-react";

import { plural } from "@/lib/format";
import { Button } from "@/ui/button";

import { useQueryState } from "./query-state";

/** The pictures of the map that are searched, or the way to choose them. */
export function WithinChip() {
  const { within, set } = useQueryState();
  if (within === null) {
    return (
      <Button look="ghost" size="icon-tiny" asChild>
        <a href="#/map" aria-label="Choose pictures on the map" title="Choose pictures on the map">
          <MapIcon />
        </a>
      </Button>
    );
  }
  const name = `In ${plural(within.count, "picture")} of the map`;
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
