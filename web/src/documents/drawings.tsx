import { useQuery } from "@tanstack/react-query";
import { FolderOpen, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { queryClient } from "@/api/query-client";
import { ago, plural } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { thumbnail } from "@/pad/paint";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/overlays";
import { Empty, Failure, Notice, Skeleton } from "@/ui/states";

import { useDocument } from "./current";
import { deleteDocument, listDocuments, readDocument, type ListedDocument } from "./keep";
import { isOpenElsewhere } from "./tab";

const STEP = 24;
const SIDE = 320;
const DESCRIPTION =
  "They are stored in this browser, with their steps and references, until you delete them.";

/** A dialog with the drawings of this browser. */
export default function Drawings({ onClose }: { onClose: () => void }) {
  const [most, setMost] = useState(STEP);
  const [fault, setFault] = useState<unknown>(null);
  const now = useNow();
  const current = useDocument((open) => open.id);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["drawings", most],
    queryFn: () => listDocuments(most + 1),
    staleTime: 0,
    gcTime: 0,
  });
  const shown = (data ?? []).slice(0, most);
  const open = (id: string) => useDocument.getState().open(id).then(onClose, setFault);
  const remove = async (id: string) => {
    if (await isOpenElsewhere(id))
      throw new Error("This drawing is open in another tab. Close that tab first.");
    await deleteDocument(id);
    await queryClient.invalidateQueries({ queryKey: ["drawings"] });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Your drawings"
      description={DESCRIPTION}
      className="max-w-3xl"
    >
      {fault !== null && <Notice error={fault} className="mb-3" />}
      {isPending ? (
        <Skeleton className="h-40" />
      ) : error !== null ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : shown.length === 0 ? (
        <Empty icon={<FolderOpen />} title="No drawings yet">
          Drawings are stored here automatically.
        </Empty>
      ) : (
        <ul
          aria-label="Drawings"
          className="grid grid-cols-[repeat(auto-fill,minmax(min(10rem,45%),1fr))] gap-3"
        >
          {shown.map((drawing) => (
            <Item
              key={drawing.id}
              drawing={drawing}
              now={now}
              current={drawing.id === current}
              onOpen={() => void open(drawing.id)}
              onDelete={() => remove(drawing.id).then(() => setFault(null), setFault)}
            />
          ))}
        </ul>
      )}
      {data !== undefined && data.length > most && (
        <Button className="mt-4" onClick={() => setMost(most + STEP)}>
          Show more
        </Button>
      )}
    </Dialog>
  );
}

function Item({
  drawing,
  now,
  current,
  onOpen,
  onDelete,
}: {
  drawing: ListedDocument;
  now: number;
  current: boolean;
  onOpen: () => void;
  onDelete: () => void;
}) {
  const [sure, setSure] = useState(false);
  const changedAt = new Date(drawing.changedAt).toISOString();
  return (
    <li className="flex min-w-0 flex-col gap-1.5">
      <button
        type="button"
        aria-label={`Open ${drawing.name}`}
        aria-current={current}
        disabled={current}
        onClick={onOpen}
        className="block overflow-hidden rounded-md border border-line bg-white
          enabled:hover:border-edge aria-[current=true]:outline-2 aria-[current=true]:outline-blue"
      >
        <Thumbnail key={drawing.changedAt} id={drawing.id} />
      </button>
      <div className="flex items-start gap-1">
        <div className="min-w-0 flex-1 text-xs">
          <p dir="auto" className="truncate text-left font-medium" title={drawing.name}>
            {drawing.name}
          </p>
          <p className="truncate text-soft">
            {current
              ? "open"
              : `${plural(drawing.strokes, "stroke")} · ${ago(changedAt, now)}`}
          </p>
        </div>
        {!current &&
          (sure ? (
            <Button
              size="tiny"
              look="danger"
              aria-label={`Delete ${drawing.name} for good`}
              onClick={onDelete}
              onBlur={() => setSure(false)}
            >
              Delete
            </Button>
          ) : (
            <Button
              size="icon-tiny"
              look="ghost"
              aria-label={`Delete ${drawing.name}`}
              onClick={() => setSure(true)}
            >
              <Trash2 />
            </Button>
          ))}
      </div>
    </li>
  );
}

function Thumbnail({ id }: { id: string }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let gone = false;
    void readDocument(id)
      .then((kept) => (kept === null ? null : thumbnail(kept.history.present, SIDE)))
      .then((canvas) => {
        if (gone || canvas === null) return;
        canvas.className = "size-full object-contain";
        place.current?.replaceChildren(canvas);
      })
      // A drawing without a thumbnail can still be opened.
      .catch(() => undefined);
    return () => {
      gone = true;
    };
  }, [id]);
  return <span ref={place} aria-hidden className="block aspect-square" />;
}
