import { useQuery } from "@tanstack/react-query";
import { Bookmark, ExternalLink, Layers, PaintBucket, Shapes, SquarePen } from "lucide-react";
import { useState } from "react";

import { api, body } from "@/api/client";
import { useFeatures } from "@/api/queries";
import { address, useTickets } from "@/api/tickets";
import { picturePath, type Hit, type PerSpace } from "@/api/pictures";
import { words } from "@/lib/format";
import { loadBaseFrom } from "@/pad/load";
import { useTray } from "@/tray/tray";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/overlays";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { save, useSaved } from "./feedback";
import { cycled, liking, useQueryState } from "./query";

import { Explanation } from "./bars";

/** A picture at large: why it was found, its tags, where it is from, and what was made from it. */
export function Details({ hit, weights, onClose }: { hit: Hit; weights: PerSpace<number> | undefined; onClose: () => void }) {
  const { picture } = hit;
  const { features } = useFeatures();
  const tray = useTray();
  const query = useQueryState();
  const saved = useSaved(({ ids }) => ids.includes(picture.id));
  const [fault, setFault] = useState<unknown>(null);
  const add = (role: "style" | "subject") =>
    tray.add({ source: { kind: "gallery", id: picture.id }, title: picture.title, role, licence: picture.licence });
  const like = () => {
    query.set({ likes: liking(query.likes, { id: picture.id, title: picture.title }, features.severalLikes) });
    onClose();
  };
  return (
    <Dialog open onClose={onClose} title={words(picture.title)} description={picture.styles.map(words).join(", ")} className="max-w-4xl">
      <div className="grid gap-5 md:grid-cols-[minmax(0,1.15fr)_minmax(0,1fr)]">
        <Picture path={picturePath(picture)} alt={`${words(picture.title)} at full size`} className="max-h-[70dvh] w-full rounded-md bg-well object-contain" />
        <div className="flex min-w-0 flex-col gap-5">
          <div className="grid grid-cols-2 gap-1.5">
            <Button size="small" look="solid" onClick={() => add("style")}><PaintBucket />Style reference</Button>
            <Button size="small" look="solid" onClick={() => add("subject")}><Shapes />Subject reference</Button>
            <Button size="small" onClick={like}><Layers />More like this</Button>
            <Button size="small" disabled={saved} onClick={() => save(picture).catch(setFault)}><Bookmark />{saved ? "Saved" : "Save"}</Button>
            <Button
              size="small"
              className="col-span-2"
              onClick={() => loadBaseFrom(picturePath(picture), picture.title).then(onClose, setFault)}
            >
              <SquarePen />Draw on it
            </Button>
          </div>
          {fault !== null && <Notice error={fault} />}
          <Explanation hit={hit} weights={weights} />
          {picture.tags.length > 0 && (
            <div>
              <h3 className="label-caps mb-1.5">Tags</h3>
              <ul className="flex flex-wrap gap-1">
                {picture.tags.slice(0, 40).map((tag) => {
                  const filter = query.filters.find((known) => known.tag === tag);
                  return (
                    <li key={tag}>
                      <Button size="tiny" look={filter === undefined ? "outline" : "solid"} title="Filter by this tag" onClick={() => query.set({ filters: cycled(query.filters, tag) })}>
                        {filter?.excluded === true ? "not " : ""}{words(tag)}
                      </Button>
                    </li>
                  );
                })}
              </ul>
            </div>
          )}
          <Origin hit={hit} />
          {features.lineage && <MadeFrom id={picture.id} />}
        </div>
      </div>
    </Dialog>
  );
}

function Origin({ hit: { picture, duplicates } }: { hit: Hit }) {
  const size = picture.width !== null && picture.height !== null ? `${picture.width} × ${picture.height}` : null;
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-[0.8125rem]">
      <dt className="text-soft">Licence</dt>
      <dd>{picture.licence ?? "not known: ask its source before you publish"}</dd>
      <dt className="text-soft">Source</dt>
      <dd className="min-w-0 truncate">
        {picture.source === null ? (picture.site ?? "not known") : (
          <a href={picture.source} target="_blank" rel="noreferrer" className="inline-flex items-center gap-1 text-blue underline-offset-4 hover:underline">
            {picture.site ?? new URL(picture.source).hostname}<ExternalLink className="size-3.5" />
          </a>
        )}
      </dd>
      {size !== null && <><dt className="text-soft">Size</dt><dd className="tabular">{size}</dd></>}
      {duplicates > 0 && <><dt className="text-soft">Look-alikes</dt><dd>{duplicates} left out</dd></>}
    </dl>
  );
}

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
      <h3 className="label-caps mb-1.5">Made from it</h3>
      <ul className="flex flex-wrap gap-1.5">
        {images.slice(0, 12).map((image, index) => (
          <li key={`${image.sha256}-${index}`}>
            <a href={address(image.url, ticket)} target="_blank" rel="noreferrer">
              <Picture path={image.url} alt={`Made from it, ${index + 1}`} loading="lazy" className="size-14 rounded-sm bg-well object-cover" />
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
