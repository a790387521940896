import type { Picture } from "@/api/pictures";
import { Grid, type GridProps } from "@/gallery/grid";

import type { CardActions } from "./card";
import { useMarks } from "./marks";
import { EmptyTile, Tile } from "./tile";

interface PictureGridProps extends Omit<GridProps, "children"> {
  /** The picture at a position; undefined while it is not loaded. */
  pictureAt: (index: number) => Picture | undefined;
  actions: CardActions;
}

/** Any number of pictures of the gallery. */
export function PictureGrid({ pictureAt, actions, ...grid }: PictureGridProps) {
  const marksOf = useMarks();
  return (
    <Grid {...grid}>
      {({ index, slot, style, side }) => {
        const picture = pictureAt(index);
        // Making an element for each place that passes by would be slow.
        if (picture === undefined) {
          return <EmptyTile key={`empty ${slot}`} place={style} side={side} />;
        }
        return (
          <Tile
            key={index}
            picture={picture}
            index={index}
            total={grid.total}
            place={style}
            side={side}
            actions={actions}
            {...marksOf(picture.id)}
          />
        );
      }}
    </Grid>
  );
}
