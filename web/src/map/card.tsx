import type { CSSProperties } from "react";

import { picturePath } from "@/api/pictures";
import { messageOf } from "@/api/problem";
import { cn } from "@/lib/classes";
import { words } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";
import { Picture } from "@/ui/picture";

import { useMapPicture } from "./calls";
import { toScreen, type Place, type Size } from "./frame";
import type { GalleryMap } from "./places";
import { useMap } from "./store";

const WIDTH = 168;
const HEIGHT = 204;
/** Between the picture's place and its card. */
const GAP = 16;
/** While the pointer moves over pictures, nothing is asked of them. */
const PAUSE = 150;

interface CardProps {
  map: GalleryMap;
  onOpen: (index: number) => void;
}

/** The picture that is pointed at, beside its place. */
export function Card({ map, onOpen }: CardProps) {
  const { pointed, view, frame } = useMap();
  const id = pointed === null ? undefined : map.ids[pointed.index];
  const settled = useDebounced(id, PAUSE);
  if (pointed === null || id === undefined) return null;
  const { index, by } = pointed;
  const place = { x: map.x[index] ?? 0, y: map.y[index] ?? 0 };
  const style = beside(toScreen(place, view, frame), frame);
  const content = <Content key={id} id={id} isAsked={settled === id} isSaid={by === "keys"} />;
  // Under a pointer, a click on the map opens the picture.
  return by === "pointer" ? (
    <div className={cn(LOOK, "pointer-events-none")} style={style}>
      {content}
    </div>
  ) : (
    <button
      type="button"
      data-details={id}
      className={LOOK}
      style={style}
      onClick={() => onOpen(index)}
    >
      <span className="sr-only">Details of</span>
      {content}
    </button>
  );
}

const LOOK =
  "absolute z-20 flex flex-col gap-1 rounded-lg border bg-panel p-2 text-left shadow-lg " +
  "shadow-black/15";

/** To the right of a place, or to its left, where there is more room. */
function beside({ x, y }: Place, frame: Size): CSSProperties {
  const left = x < frame.width / 2 ? x + GAP : x - GAP - WIDTH;
  const within = (value: number, most: number) => Math.max(4, Math.min(value, most - 4));
  return {
    left: within(left, frame.width - WIDTH),
    top: within(y - HEIGHT / 2, frame.height - HEIGHT),
    width: WIDTH,
  };
}

interface ContentProps {
  id: string;
  isAsked: boolean;
  /** Whether a screen reader says its title: the keys have moved to it. */
  isSaid: boolean;
}

function Content({ id, isAsked, isSaid }: ContentProps) {
  const { data, error } = useMapPicture(id, isAsked);
  const style = data?.made === true ? "generated" : data?.styles[0];
  return (
    <>
      <Picture
        path={picturePath({ id }, 256)}
        alt=""
        draggable={false}
        className="aspect-square w-full rounded-md bg-well object-cover"
      />
      <span
        className="block min-h-4 truncate text-xs leading-4"
        {...(isSaid ? { role: "status" } : {})}
      >
        {error !== null ? messageOf(error) : words(data?.title ?? "")}
      </span>
      <span className="block min-h-4 truncate text-xs leading-4 text-soft">
        {words(style ?? "")}
      </span>
    </>
  );
}
