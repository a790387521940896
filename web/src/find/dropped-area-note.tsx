import { Button } from "@/ui/button";

import { NOTE } from "./note";
import { forgetDropped } from "./use-area";

/** Says that the search is not limited to a part of the map any more. */
export function DroppedAreaNote() {
  return (
    <div role="note" className={NOTE}>
      <p>
        The map was made anew, so the search is not limited to the part that you chose any more.
      </p>
      <p className="mt-1 flex flex-wrap gap-x-4 gap-y-1 [@media(hover:none)]:gap-y-2.5">
        <Button look="link" size="bare" asChild>
          <a href="#/map">Choose again on the map</a>
        </Button>
        <Button look="link" size="bare" onClick={forgetDropped}>
          Hide this note
        </Button>
      </p>
    </div>
  );
}
