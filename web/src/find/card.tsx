import { Heart, Plus } from "lucide-react";
import { memo, type ReactNode } from "react";

import { picturePath, type Picture as PictureData } from "@/api/pictures";
import type { Hit } from "@/api/results";
import { cn } from "@/lib/classes";
import { words } from "@/lib/format";
import { Button } from "@/ui/button";
import { drag } from "@/ui/drag";
import { Tip } from "@/ui/overlays";
import { Picture } from "@/ui/picture";

import { Bars } from "./bars";
import { MoreLikeThis, type Likeness } from "./more-like-this";

export interface CardActions {
  open: (hit: Hit) => void;
  like: (hit: Hit, likeness: Likeness) => void;
  save: (hit: Hit) => void;
  refer: (hit: Hit) => void;
}

/** The artist's earlier actions on a result. */
export interface Marks {
  saved: boolean;
  referred: boolean;
  /** What the search asks further pictures to share with it. */
  liked: boolean;
  styled: boolean;
}

interface CardProps extends Marks {
  hit: Hit;
  actions: CardActions;
}

/** One result. */
export const Card = memo(function Card({ hit, actions, ...marks }: CardProps) {
  const { picture } = hit;
  const style = picture.made ? "generated" : picture.styles[0];
  const name = `${words(picture.title)}${style === undefined ? "" : `, ${words(style)}`}`;
  return (
    <li
      className="group relative flex flex-col gap-1.5 [content-visibility:auto]
        [contain-intrinsic-size:auto_220px]"
      draggable
      onDragStart={(event) => drag(event, picture)}
    >
      <button
        type="button"
        data-details={picture.id}
        aria-label={`Details of ${name}`}
        onClick={() => actions.open(hit)}
        className={cn(
          "relative block aspect-square overflow-hidden rounded-md bg-well",
          marks.referred && "outline-3 -outline-offset-3 outline-blue",
        )}
      >
        <Thumbnail picture={picture} name={name} />
      </button>
      <CardButtons hit={hit} name={name} actions={actions} {...marks} />
      <div className="flex items-baseline justify-between gap-2 px-0.5 text-xs leading-4">
        <span dir="auto" className="min-w-0 truncate">
          {words(picture.title)}
        </span>
        {style !== undefined && (
          <span className="min-w-0 shrink-[2] truncate text-soft">{words(style)}</span>
        )}
      </div>
      <Bars hit={hit} className="px-0.5" />
    </li>
  );
});

function Thumbnail({ picture, name }: { picture: PictureData; name: string }) {
  return (
    <Picture
      path={picturePath(picture, 256)}
      widths={[256, 512].map((width) => [picturePath(picture, width), width] as const)}
      sizes="(max-width: 640px) 45vw, 200px"
      alt={name}
      loading="lazy"
      draggable={false}
      className="size-full object-cover transition-transform duration-200
        group-hover:scale-[1.02]"
    />
  );
}

/** The buttons on a picture, shown while the pointer or the focus is on it. */
export function CardButtons({ hit, name, actions, ...marks }: CardProps & { name: string }) {
  const { saved, referred, liked, styled } = marks;
  return (
    <div
      className="absolute top-1.5 right-1.5 flex gap-1 opacity-0 transition-opacity
        group-focus-within:opacity-100 group-hover:opacity-100 [@media(hover:none)]:opacity-100
        has-[[data-state=open]]:opacity-100
        [@media(hover:none)]:[&>*:not(:first-child)]:hidden"
    >
      <CardButton
        tip={referred ? "Remove from the references" : "Use as a reference"}
        name={`Use ${name} as a reference`}
        pressed={referred}
        onClick={() => actions.refer(hit)}
      >
        <Plus className={cn(referred && "rotate-45")} />
      </CardButton>
      <MoreLikeThis
        name={name}
        chosen={{ subject: liked, style: styled }}
        onChoose={(likeness) => actions.like(hit, likeness)}
      />
      <CardButton
        tip={saved ? "Take off Saved" : "Put on Saved"}
        name={`Save ${name}`}
        pressed={saved}
        onClick={() => actions.save(hit)}
      >
        <Heart className={cn(saved && "fill-ruby text-ruby")} />
      </CardButton>
    </div>
  );
}

interface CardButtonProps {
  tip: string;
  name: string;
  pressed: boolean;
  onClick: () => void;
  children: ReactNode;
}

function CardButton({ tip, name, pressed, onClick, children }: CardButtonProps) {
  return (
    <Tip text={tip} side="top">
      <Button
        size="icon-tiny"
        className="border-0 shadow-sm"
        aria-label={name}
        aria-pressed={pressed}
        onClick={onClick}
      >
        {children}
      </Button>
    </Tip>
  );
}
