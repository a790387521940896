import { Heart, Layers2, RotateCcw, SquarePen } from "lucide-react";
import { useState } from "react";

import { ago, plural, words } from "@/lib/format";
import { Button } from "@/ui/button";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { setFavourite, type Entry, type EntryPicture } from "./calls";
import { DeleteButton } from "./delete-button";
import { nameOf } from "./name";
import { goOnFrom, restoreSettings } from "./replay";

interface EntryCardProps {
  entry: Entry;
  now: number;
  onOpen: (index: number) => void;
}

/** A run: the artist's words, its pictures, and what can be done with them. */
export function EntryCard({ entry, now, onOpen }: EntryCardProps) {
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const run = (call: Promise<void>) => {
    setBusy(true);
    void call.then(() => setFailure(null), setFailure).finally(() => setBusy(false));
  };
  const first = entry.pictures[0];
  const { entries: steps } = entry.chain;
  return (
    <li
      data-entry={entry.id}
      className="flex min-w-0 flex-col gap-3 rounded-lg border border-line bg-raised p-3"
    >
      <div>
        <h2 dir="auto" className="line-clamp-3 text-left font-medium text-pretty">
          {nameOf(entry)}
        </h2>
        <p className="mt-0.5 text-xs text-soft">
          {[ago(entry.at, now), ...entry.styles.map(words), entry.provider].join(" · ")}
        </p>
      </div>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(6.5rem,45%),1fr))] gap-2">
        {entry.pictures.map((picture, place) => (
          <li key={picture.index} className="relative">
            <button
              type="button"
              aria-label={`Open picture ${place + 1}`}
              className="block w-full overflow-hidden rounded-md bg-well"
              onClick={() => onOpen(picture.index)}
            >
              <Picture
                path={picture.url}
                alt={`Picture ${place + 1}: ${nameOf(entry)}`}
                loading="lazy"
                className="aspect-square w-full object-cover"
              />
            </button>
            <FavouriteButton
              entry={entry.id}
              picture={picture}
              name={`picture ${place + 1}`}
              onFailure={setFailure}
            />
          </li>
        ))}
      </ul>
      {failure !== null && <Notice error={failure} />}
      <div className="flex flex-wrap items-center gap-1.5">
        <Button
          size="small"
          disabled={busy}
          className="max-sm:[&>svg]:hidden"
          onClick={() => run(restoreSettings(entry.id, null))}
        >
          <RotateCcw />
          Use these settings
        </Button>
        {first !== undefined && (
          <Button
            size="small"
            disabled={busy}
            className="max-sm:[&>svg]:hidden"
            onClick={() => run(goOnFrom(entry.id, first.index))}
          >
            <SquarePen />
            Go on from here
          </Button>
        )}
        {steps > 1 && first !== undefined && (
          <Button size="small" look="ghost" onClick={() => onOpen(first.index)}>
            <Layers2 />
            {plural(steps, "step")}
          </Button>
        )}
        <DeleteButton
          id={entry.id}
          picture={null}
          question={`Delete ${plural(entry.pictures.length, "picture")} for good?`}
          className="ml-auto"
          onFailure={setFailure}
        />
      </div>
    </li>
  );
}

interface FavouriteButtonProps {
  entry: string;
  picture: EntryPicture;
  name: string;
  onFailure: (failure: unknown) => void;
}

export function FavouriteButton({ entry, picture, name, onFailure }: FavouriteButtonProps) {
  const { favourite, index } = picture;
  return (
    <Button
      size="icon-tiny"
      aria-label={`Favourite: ${name}`}
      aria-pressed={favourite}
      title={favourite ? "No longer a favourite" : "Favourite: it is never deleted by itself"}
      className="absolute top-1.5 right-1.5 border-0 shadow-sm"
      onClick={() =>
        void setFavourite(entry, index, !favourite).then(() => onFailure(null), onFailure)
      }
    >
      <Heart className={favourite ? "fill-current text-ruby" : undefined} />
    </Button>
  );
}
