import { Bookmark, BookmarkCheck, Layers, Plus } from "lucide-react";
import { memo } from "react";

import { picturePath, type Hit } from "@/api/pictures";
import { cn } from "@/lib/classes";
import { drag } from "@/lib/drag";
import { words } from "@/lib/format";
import { Button } from "@/ui/button";
import { Tip } from "@/ui/overlays";
import { Picture } from "@/ui/picture";

import { Bars } from "./bars";

export interface CardActions {
  open: (hit: Hit) => void;
  like: (hit: Hit) => void;
  keep: (hit: Hit) => void;
  reference: (hit: Hit) => void;
}

export const Card = memo(function Card({ hit, saved, inTray, liked, actions }: { hit: Hit; saved: boolean; inTray: boolean; liked: boolean; actions: CardActions }) {
  const { picture } = hit;
  const style = picture.made ? "made" : picture.styles[0];
  const name = `${words(picture.title)}${style === undefined ? "" : `, ${words(style)}`}`;
  return (
    <li
      className="group relative flex flex-col gap-1.5 [content-visibility:auto] [contain-intrinsic-size:auto_220px]"
      draggable
      onDragStart={(event) => drag(event, picture)}
    >
      <button
        type="button"
        aria-label={`Details of ${name}`}
        onClick={() => actions.open(hit)}
        className={cn("relative block aspect-square overflow-hidden rounded-md bg-well", inTray && "outline-3 -outline-offset-3 outline-blue")}
      >
        <Picture
          path={picturePath(picture, 256)}
          widths={[[picturePath(picture, 256), 256], [picturePath(picture, 512), 512]]}
          sizes="(max-width: 640px) 45vw, 200px"
          alt={name}
          loading="lazy"
          draggable={false}
          className="size-full object-cover transition-transform duration-200 group-hover:scale-[1.02]"
        />
      </button>
      <div className="absolute top-1.5 right-1.5 flex gap-1 opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 [@media(hover:none)]:opacity-100 [@media(hover:none)]:[&>*:not(:first-child)]:hidden">
        <Tip text={inTray ? "It is a reference" : "Use as a reference"} side="top">
          <Button size="icon-tiny" className="border-0 shadow-sm" aria-label={`Use ${name} as a reference`} aria-pressed={inTray} onClick={() => actions.reference(hit)}><Plus className={cn(inTray && "rotate-45")} /></Button>
        </Tip>
        <Tip text="More like this" side="top">
          <Button size="icon-tiny" className="border-0 shadow-sm" aria-label={`More like ${name}`} aria-pressed={liked} onClick={() => actions.like(hit)}><Layers /></Button>
        </Tip>
        <Tip text={saved ? "Saved" : "Save, and learn from it"} side="top">
          <Button size="icon-tiny" className="border-0 shadow-sm" aria-label={`Save ${name}`} aria-pressed={saved} onClick={() => actions.keep(hit)}>{saved ? <BookmarkCheck className="text-blue" /> : <Bookmark />}</Button>
        </Tip>
      </div>
      <div className="flex items-baseline justify-between gap-2 px-0.5 text-xs leading-4">
        <span className="min-w-0 truncate">{words(picture.title)}</span>
        {style !== undefined && <span className="min-w-0 shrink-[2] truncate text-soft">{words(style)}</span>}
      </div>
      <Bars hit={hit} className="px-0.5" />
    </li>
  );
});
