import { useQuery } from "@tanstack/react-query";
import {
  ChevronLeft,
  ChevronRight,
  Download,
  Heart,
  Palette,
  Shapes,
  SquarePen,
} from "lucide-react";
import { useState, type KeyboardEvent } from "react";

import { api, body } from "@/api/client";
import { picturePath, type Picture as PictureData } from "@/api/pictures";
import { isScored, type Hit, type PerSpace } from "@/api/results";
import { address, useTickets } from "@/api/tickets";
import { useSavedIds } from "@/api/use-boards";
import { cn } from "@/lib/classes";
import { words } from "@/lib/format";
import { loadBaseFrom } from "@/pad/load";
import { Button } from "@/ui/button";
import { IconButton } from "@/ui/icon-button";
import { Dialog } from "@/ui/overlays";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { AddToBoard } from "./add-to-board";
import { Explanation } from "./explanation";
import { Facts } from "./facts";
import { toggleSaved } from "./feedback";
import { DeletedPicture, PictureTags } from "./picture-tags";
import { useQueryState, withLike } from "./query-state";
import { ReferenceButtons } from "./reference-buttons";

const MOST_MADE = 12;

/** The results before and after the one that is shown. */
export interface Around {
  /** From 1. */
  place: number;
  previous: Hit | null;
  next: Hit | null;
  show: (hit: Hit) => void;
}

interface DetailsProps {
  hit: Hit;
  weights: PerSpace<number> | undefined;
  /** Null for a picture that is not in the list (any more). */
  around: Around | null;
  onClose: () => void;
  /** The picture is searched with, or drawn on: in that panel. */
  onUse?: (panel: "find" | "draw") => void;
}

/** A large view of a result, from which the list can be gone through. */
export function Details({ hit, weights, around, onClose, onUse }: DetailsProps) {
  const close = (panel: "find" | "draw") => {
    onClose();
    onUse?.(panel);
  };
  const { picture } = hit;
  const { id } = picture;
  return (
    <Dialog
      open
      onClose={onClose}
      title={words(picture.title)}
      {...(picture.styles.length > 0 ? { description: picture.styles.map(words).join(", ") } : {})}
      className="max-w-4xl"
      returnTo={() => document.querySelector(`[data-details="${CSS.escape(id)}"]`)}
      {...(around === null
        ? {}
        : { buttons: <Steps around={around} />, onKeyDown: (event) => step(event, around) })}
    >
      <Content key={id} hit={hit} weights={weights} onUse={close} />
    </Dialog>
  );
}

function Steps({ around: { place, previous, next, show } }: { around: Around }) {
  return (
    <>
      <span role="status" className="sr-only">
        Result {place}
      </span>
      <IconButton
        name="Previous picture"
        keys="←"
        disabled={previous === null}
        onClick={() => previous !== null && show(previous)}
      >
        <ChevronLeft />
      </IconButton>
      <IconButton
        name="Next picture"
        keys="→"
        disabled={next === null}
        onClick={() => next !== null && show(next)}
      >
        <ChevronRight />
      </IconButton>
    </>
  );
}

/** What uses the arrow keys itself. */
const USES_ARROWS = "input, textarea, select, [role=slider], [role=listbox], [role=combobox]";

function step(event: KeyboardEvent, { previous, next, show }: Around): void {
  const { key, target, altKey, ctrlKey, metaKey } = event;
  if (altKey || ctrlKey || metaKey) return;
  if (target instanceof Element && target.closest(USES_ARROWS) !== null) return;
  const wanted = key === "ArrowLeft" ? previous : key === "ArrowRight" ? next : null;
  if (wanted === null) return;
  event.preventDefault();
  show(wanted);
}

interface Used {
  onUse: (panel: "find" | "draw") => void;
}

/** Why a picture was found, its tags, its source, and what was made from it. */
function Content({ hit, weights, onUse }: Pick<DetailsProps, "hit" | "weights"> & Used) {
  const { picture } = hit;
  const [isDeleted, setDeleted] = useState(false);
  return (
      <div className="grid gap-5 md:grid-cols-[minmax(0,1.15fr)_minmax(0,1fr)]">
        <Picture
          path={picturePath(picture)}
          alt={`${words(picture.title)} at full size`}
          // Room for it while it is loaded.
          {...(picture.width === null || picture.height === null
            ? {}
            : { style: { aspectRatio: `${picture.width} / ${picture.height}` } })}
          className="max-h-[38dvh] w-full rounded-md bg-well object-contain md:max-h-[70dvh]"
        />
        <div className="flex min-w-0 flex-col gap-5">
          {isDeleted ? (
            <DeletedPicture id={picture.id} onRestored={() => setDeleted(false)} />
          ) : (
            <>
              <Actions hit={hit} onUse={onUse} />
              <PictureTags picture={picture} onDeleted={() => setDeleted(true)} />
              {isScored(hit) && <Explanation hit={hit} weights={weights} />}
            </>
          )}
          <Facts hit={hit} />
          <MadeFrom id={picture.id} />
        </div>
      </div>
  );
}

function Actions({ hit: { picture }, onUse }: { hit: Hit } & Used) {
  const { likes, styles, set } = useQueryState();
  const saved = useSavedIds().includes(picture.id);
  const ticket = useTickets((tickets) => tickets.ticket);
  const [failure, setFailure] = useState<unknown>(null);
  const searchSubject = () => {
    set({ likes: withLike(likes, picture) });
    onUse("find");
  };
  const searchStyle = () => {
    set({ styles: withLike(styles, picture) });
    onUse("find");
  };
  const takeAsBase = () =>
    loadBaseFrom(picturePath(picture), picture.title).then(() => onUse("draw"), setFailure);
  return (
    <>
      <ReferenceButtons picture={picture} />
      <div role="group" aria-label="More like this" className="grid grid-cols-2 gap-1.5">
        <span className="label-caps col-span-2">More like this</span>
        <Button size="small" onClick={searchSubject}>
          <Shapes />
          Same subject
        </Button>
        <Button size="small" onClick={searchStyle}>
          <Palette />
          Same style
        </Button>
      </div>
      <div className="grid grid-cols-2 gap-1.5">
        <Button
          size="small"
          aria-pressed={saved}
          onClick={() => toggleSaved(picture).catch(setFailure)}
        >
          <Heart className={cn(saved && "fill-ruby text-ruby")} />
          {saved ? "Saved" : "Save"}
        </Button>
        <AddToBoard picture={picture} onFailure={setFailure} />
        <Button size="small" onClick={takeAsBase}>
          <SquarePen />
          Use as base
        </Button>
        <Button size="small" asChild>
          <a href={address(picturePath(picture), ticket)} download={fileNameOf(picture)}>
            <Download />
            Download
          </a>
        </Button>
      </div>
      {failure !== null && <Notice error={failure} />}
    </>
  );
}

/** The name of its file, or its title; the browser adds the extension to that. */
function fileNameOf({ path, title }: PictureData): string {
  return path?.split("/").at(-1) ?? title;
}

/** What was generated from this picture. */
function MadeFrom({ id }: { id: string }) {
  const { data } = useQuery({
    queryKey: ["lineage", id],
    queryFn: async () => body(await api.GET("/api/lineage", { params: { query: { ref: id } } })),
  });
  const ticket = useTickets((tickets) => tickets.ticket);
  const images = data?.images ?? [];
  if (images.length === 0) return null;
  return (
    <div>
      <h3 className="label-caps mb-1.5">Generated from it</h3>
      <ul className="flex flex-wrap gap-1.5">
        {images.slice(0, MOST_MADE).map((image, index) => (
          <li key={`${image.sha256}-${index}`}>
            <a href={address(image.url, ticket)} target="_blank" rel="noreferrer">
              <Picture
                path={image.url}
                alt={`Generated picture ${index + 1}`}
                loading="lazy"
                className="size-14 rounded-sm bg-well object-cover"
              />
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
