import { ImageOff } from "lucide-react";

import { useRange } from "@/gallery/grid";
import { useSome } from "@/gallery/some";
import { plural } from "@/lib/format";
import { useSession } from "@/state/session";
import { Empty, Notice } from "@/ui/states";

import type { CardActions } from "./card";
import { PictureGrid } from "./picture-grid";
import { idsWithin, type Within } from "./within";

interface WalkWithinProps {
  within: Within;
  /** Whether there are other filters. */
  filtered: boolean;
  actions: CardActions;
}

/** The pictures that were chosen on the map, while nothing is searched for. */
export function WalkWithin({ within, filtered, actions }: WalkWithinProps) {
  const key = useSession((session) => session.key);
  const [range, onRange] = useRange();
  const { total, pictureAt, error } = useSome(idsWithin(within), key, range);
  if (total === 0) {
    return (
      <Empty icon={<ImageOff />} title="None of these pictures is left">
        They were deleted after they were chosen on the map.
      </Empty>
    );
  }
  return (
    <>
      <p role="status" className="mb-3 text-xs text-pretty text-soft">
        {`${plural(total, "picture")} of the map. Type words or draw to search in them.`}
        {filtered && " The other filters are used then."}
      </p>
      {error !== null && <Notice error={error} className="mb-3" />}
      <PictureGrid label="Pictures of the map" {...{ total, pictureAt, onRange, actions }} />
    </>
  );
}
