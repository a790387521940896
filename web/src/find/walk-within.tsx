import { useCallback, useState, type RefObject } from "react";

import { Grid } from "@/gallery/grid";
import type { Range } from "@/gallery/pages";
import { useSome } from "@/gallery/some";
import { plural } from "@/lib/format";
import { useSession } from "@/state/session";
import { Notice } from "@/ui/states";

import type { CardActions } from "./card";
import { useMarks } from "./marks";
import { EmptyTile, Tile } from "./tile";
import { idsWithin, type Within } from "./within";

interface WalkWithinProps {
  within: Within;
  /** Whether there are other filters. */
  filtered: boolean;
  scroller: RefObject<HTMLElement | null>;
  actions: CardActions;
}

/** The pictures that were chosen on the map, while nothing is searched for. */
export function WalkWithin({ within, filtered, scroller, actions }: WalkWithinProps) {
  const key = useSession((session) => session.key);
  const [range, setRange] = useState<Range>({ first: 0, last: 0 });
  const onRange = useCallback((next: Range) => setRange(next), []);
  const ids = idsWithin(within);
  const { pictureAt, error } = useSome(ids, key, range);
  const marksOf = useMarks();
  return (
    <>
      <p role="status" className="mb-3 text-xs text-pretty text-soft">
        {`${plural(ids.length, "picture")} of the map. Type words or draw to search in them.`}
        {filtered && " The other filters are used then."}
      </p>
      {error !== null && <Notice error={error} className="mb-3" />}
      <Grid label="Pictures of the map" total={ids.length} scroller={scroller} onRange={onRange}>
        {({ index, slot, style, side }) => {
          const picture = pictureAt(index);
          if (picture === undefined) {
            return <EmptyTile key={`empty ${slot}`} place={style} side={side} />;
          }
          return (
            <Tile
              key={index}
              picture={picture}
              index={index}
              total={ids.length}
              place={style}
              side={side}
              actions={actions}
              {...marksOf(picture.id)}
            />
          );
        }}
      </Grid>
    </>
  );
}
