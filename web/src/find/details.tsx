import { useQuery } from "@tanstack/react-query";
import {
  Bookmark,
  ExternalLink,
  Layers,
  PaintBucket,
  Palette,
  Shapes,
  SquarePen,
} from "lucide-react";
import { useState } from "react";

import { api, body } from "@/api/client";
import { picturePath, type Role } from "@/api/pictures";
import type { Hit, PerSpace } from "@/api/results";
import { address, useTickets } from "@/api/tickets";
import { words } from "@/lib/format";
import { loadBaseFrom } from "@/pad/load";
import { useReferences } from "@/references/store";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/overlays";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { Correct } from "./correct";
import { Explanation } from "./explanation";
import { save, useSaved } from "./feedback";
import { cycleFilter, toggleLike, useQueryState } from "./query-state";

const MOST_TAGS = 40;
const MOST_MADE = 12;

interface DetailsProps {
  hit: Hit;
  weights: PerSpace<number> | undefined;
  onClose: () => void;
}

/** A large view of a result: why it was found, its tags, its source, and what was made from it. */
export function Details({ hit, weights, onClose }: DetailsProps) {
  const { picture } = hit;
  return (
    <Dialog
      open
      onClose={onClose}
      title={words(picture.title)}
      description={picture.styles.map(words).join(", ")}
      className="max-w-4xl"
    >
      <div className="grid gap-5 md:grid-cols-[minmax(0,1.15fr)_minmax(0,1fr)]">
        <Picture
          path={picturePath(picture)}
          alt={`${words(picture.title)} at full size`}
          className="max-h-[70dvh] w-full rounded-md bg-well object-contain"
        />
        <div className="flex min-w-0 flex-col gap-5">
          <Actions hit={hit} onClose={onClose} />
          <Explanation hit={hit} weights={weights} />
          <Tags tags={picture.tags} />
          <Origin hit={hit} />
          <MadeFrom id={picture.id} />
          <Correct picture={picture} />
        </div>
      </div>
    </Dialog>
  );
}

function Actions({ hit: { picture }, onClose }: { hit: Hit; onClose: () => void }) {
  const add = useReferences((references) => references.add);
  const { likes, styles, set } = useQueryState();
  const saved = useSaved(({ ids }) => ids.includes(picture.id));
  const [failure, setFailure] = useState<unknown>(null);
  const { id, title, licence } = picture;
  const refer = (role: Role) => add({ source: { kind: "gallery", id }, title, role, licence });
  const like = () => {
    set({ likes: toggleLike(likes, picture) });
    onClose();
  };
  const searchStyle = () => {
    if (!styles.some((style) => style.id === id)) set({ styles: toggleLike(styles, picture) });
    onClose();
  };
  const takeAsBase = () => loadBaseFrom(picturePath(picture), title).then(onClose, setFailure);
  return (
    <>
      <div className="grid grid-cols-2 gap-1.5">
        <Button size="small" look="solid" onClick={() => refer("style")}>
          <PaintBucket />
          Style reference
        </Button>
        <Button size="small" look="solid" onClick={() => refer("subject")}>
          <Shapes />
          Subject reference
        </Button>
        <Button size="small" onClick={like}>
          <Layers />
          More like this
        </Button>
        <Button size="small" onClick={searchStyle}>
          <Palette />
          Search in this style
        </Button>
        <Button size="small" disabled={saved} onClick={() => save(picture).catch(setFailure)}>
          <Bookmark />
          {saved ? "Saved" : "Save"}
        </Button>
        <Button size="small" onClick={takeAsBase}>
          <SquarePen />
          Use as base
        </Button>
      </div>
      {failure !== null && <Notice error={failure} />}
    </>
  );
}

/** The tags, each of which filters the results. */
function Tags({ tags }: { tags: readonly string[] }) {
  const { filters, set } = useQueryState();
  if (tags.length === 0) return null;
  return (
    <div>
      <h3 className="label-caps mb-1.5">Tags</h3>
      <ul className="flex flex-wrap gap-1">
        {tags.slice(0, MOST_TAGS).map((tag) => {
          const filter = filters.find((known) => known.tag === tag);
          return (
            <li key={tag}>
              <Button
                size="tiny"
                look={filter === undefined ? "outline" : "solid"}
                title="Filter by this tag"
                onClick={() => set({ filters: cycleFilter(filters, tag) })}
              >
                {filter?.excluded === true ? "not " : ""}
                {words(tag)}
              </Button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Origin({ hit: { picture, duplicates } }: { hit: Hit }) {
  const { width, height, source, site, licence, missing } = picture;
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-[0.8125rem]">
      <dt className="text-soft">Licence</dt>
      <dd>{licence ?? "unknown; ask its author before you publish it"}</dd>
      <dt className="text-soft">Source</dt>
      <dd className="min-w-0 truncate">
        {source === null ? (
          (site ?? "unknown")
        ) : (
          <a
            href={source}
            target="_blank"
            rel="noreferrer"
            className="inline-flex items-center gap-1 text-blue underline-offset-4
              hover:underline"
          >
            {site ?? new URL(source).hostname}
            <ExternalLink className="size-3.5" />
          </a>
        )}
      </dd>
      {missing && (
        <>
          <dt className="text-soft">File</dt>
          <dd className="text-amber">missing: it was gone when its folder was scanned last</dd>
        </>
      )}
      {width !== null && height !== null && (
        <>
          <dt className="text-soft">Size</dt>
          <dd className="tabular">
            {width} × {height}
          </dd>
        </>
      )}
      {duplicates > 0 && (
        <>
          <dt className="text-soft">Look-alikes</dt>
          <dd>{duplicates} left out</dd>
        </>
      )}
    </dl>
  );
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
