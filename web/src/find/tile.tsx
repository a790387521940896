import { memo, useState, type CSSProperties } from "react";

import { picturePath, type Picture as PictureData } from "@/api/pictures";
import { unscored } from "@/api/results";
import { cn } from "@/lib/classes";
import { words } from "@/lib/format";
import { drag } from "@/ui/drag";
import { Picture } from "@/ui/picture";

import { CardButtons, type CardActions, type Marks } from "./card";

/** Without a pointer that hovers, the buttons are always there. */
const touches = window.matchMedia("(hover: none)").matches;

interface TileProps extends Marks {
  picture: PictureData;
  /** Its position among all pictures, from 0. */
  index: number;
  total: number;
  place: CSSProperties;
  side: number;
  actions: CardActions;
}

/**
 * A picture of the gallery. Hundreds pass by in a second, so its buttons are made when the pointer
 * or the focus comes to it.
 */
export const Tile = memo(
  function Tile({ picture, index, total, place, side, actions, ...marks }: TileProps) {
    const [near, setNear] = useState(false);
    const hit = unscored(picture);
    const style = picture.made ? "generated" : picture.styles[0];
    const name = `${words(picture.title)}${style === undefined ? "" : `, ${words(style)}`}`;
    return (
      <li
        aria-posinset={index + 1}
        aria-setsize={total}
        style={place}
        className="group"
        draggable
        onDragStart={(event) => drag(event, picture)}
        onPointerEnter={() => setNear(true)}
        onFocus={() => setNear(true)}
      >
        <button
          type="button"
          aria-label={`Details of ${name}`}
          onClick={() => actions.open(hit)}
          style={{ height: side }}
          className={cn(
            "block w-full overflow-hidden rounded-md bg-well",
            marks.referred && "outline-3 -outline-offset-3 outline-blue",
          )}
        >
          <Picture
            path={picturePath(picture, 256)}
            alt={name}
            decoding="async"
            draggable={false}
            className="size-full object-cover"
          />
        </button>
        {(near || touches) && <CardButtons hit={hit} name={name} actions={actions} {...marks} />}
        <p className="mt-1.5 flex justify-between gap-2 px-0.5 text-xs leading-4">
          <span dir="auto" className="min-w-0 truncate">
            {words(picture.title)}
          </span>
          {style !== undefined && (
            <span className="min-w-0 shrink-[2] truncate text-soft">{words(style)}</span>
          )}
        </p>
      </li>
    );
  },
  (before, after) =>
    before.picture === after.picture &&
    before.total === after.total &&
    before.side === after.side &&
    before.place.transform === after.place.transform &&
    before.actions === after.actions &&
    before.saved === after.saved &&
    before.referred === after.referred &&
    before.liked === after.liked &&
    before.styled === after.styled,
);

/** The place of a picture that is not loaded yet. */
export function EmptyTile({ place, side }: { place: CSSProperties; side: number }) {
  return (
    <li aria-hidden style={place}>
      <div className="rounded-md bg-well" style={{ height: side }} />
    </li>
  );
}
