import { useQuery } from "@tanstack/react-query";
import { Bookmark, Layers, PaintBucket, Palette, Shapes, SquarePen } from "lucide-react";
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

import { Explanation } from "./explanation";
import { Facts } from "./facts";
import { save, useSaved } from "./feedback";
import { DeletedPicture, PictureTags } from "./picture-tags";
import { toggleLike, useQueryState } from "./query-state";

const MOST_MADE = 12;

interface DetailsProps {
  hit: Hit;
  weights: PerSpace<number> | undefined;
  onClose: () => void;
}

/** A large view of a result: why it was found, its tags, its source, and what was made from it. */
export function Details({ hit, weights, onClose }: DetailsProps) {
  const { picture } = hit;
  const [isDeleted, setDeleted] = useState(false);
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
          className="max-h-[38dvh] w-full rounded-md bg-well object-contain md:max-h-[70dvh]"
        />
        <div className="flex min-w-0 flex-col gap-5">
          {isDeleted ? (
            <DeletedPicture id={picture.id} onRestored={() => setDeleted(false)} />
          ) : (
            <>
              <Actions hit={hit} onClose={onClose} />
              <PictureTags picture={picture} onDeleted={() => setDeleted(true)} />
              <Explanation hit={hit} weights={weights} />
            </>
          )}
          <Facts hit={hit} />
          <MadeFrom id={picture.id} />
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
