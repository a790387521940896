import { Download, PaintBucket, RotateCcw, SquarePen } from "lucide-react";
import { useState } from "react";

import { picturePath } from "@/api/pictures";
import { address, useTickets } from "@/api/tickets";
import { endingOf, plural } from "@/lib/format";
import { Compare } from "@/make/compare";
import { ReceiptList } from "@/make/receipt";
import { baseAt } from "@/pad/load";
import { useReferences } from "@/references/store";
import { Button } from "@/ui/button";
import { Segments } from "@/ui/controls";
import { Dialog } from "@/ui/overlays";
import { Picture } from "@/ui/picture";
import { Failure, Notice, Skeleton } from "@/ui/states";

import { useChain, useDetails, type Details, type EntryPicture } from "./calls";
import { DeleteButton } from "./delete-button";
import { FavouriteButton } from "./entry-card";
import { nameOf } from "./name";
import { goOnFrom, restoreSettings } from "./replay";

interface EntryDialogProps {
  id: string;
  /** The index of the picture. */
  index: number;
  onOpen: (id: string, index: number) => void;
  /** Lists everything that was made from a picture of the gallery. */
  onReference: (id: string) => void;
  onClose: () => void;
}

/** A large view of a generated picture: what it was made from, and what comes next. */
export function EntryDialog({ id, index, onOpen, onReference, onClose }: EntryDialogProps) {
  const { data, error, refetch } = useDetails(id);
  const picture = data?.pictures.find((one) => one.index === index) ?? data?.pictures[0];
  return (
    <Dialog
      open
      onClose={onClose}
      title={data === undefined ? "Picture" : nameOf(data)}
      description={picture === undefined ? "" : factsOf(picture)}
      className="max-w-5xl"
    >
      {error !== null && data === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : data === undefined || picture === undefined ? (
        <Skeleton className="h-80" />
      ) : (
        <div className="grid gap-5 md:grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)]">
          <Shown details={data} picture={picture} />
          <div className="flex min-w-0 flex-col gap-5">
            {data.pictures.length > 1 && (
              <Siblings details={data} index={picture.index} onIndex={(one) => onOpen(id, one)} />
            )}
            <Actions details={data} picture={picture} onClose={onClose} />
            {data.chain.entries > 1 && <Chain details={data} onOpen={onOpen} />}
            <References details={data} onReference={onReference} />
            {data.receipt != null && (
              <ReceiptList receipt={data.receipt} title={`Receipt · ${data.provider}`} />
            )}
            <Words details={data} />
          </div>
        </div>
      )}
    </Dialog>
  );
}

function factsOf({ width, height, seed }: EntryPicture): string {
  return `${width} × ${height}${seed == null ? "" : ` · seed ${seed}`}`;
}

/** The picture, alone or over the sketch or base that it was made from. */
function Shown({ details, picture }: { details: Details; picture: EntryPicture }) {
  const [mode, setMode] = useState<"picture" | "compare">("picture");
  const ticket = useTickets((tickets) => tickets.ticket);
  const { base, sketch } = details.settings;
  const before = [base, sketch].find((path) => path?.startsWith("/")) ?? null;
  const name = before === base ? "base" : "sketch";
  return (
    <div className="flex min-w-0 flex-col gap-3">
      {mode === "compare" && before !== null ? (
        <Compare
          before={address(before, ticket)}
          after={picture.url}
          labels={["The drawing", "The picture"]}
        />
      ) : (
        <div className="relative">
          <Picture
            path={picture.url}
            alt={nameOf(details)}
            className="max-h-[70dvh] w-full rounded-md bg-well object-contain"
          />
          <FavouriteButton
            entry={details.id}
            picture={picture}
            name="this picture"
            onFailure={() => undefined}
          />
        </div>
      )}
      {before !== null && (
        <Segments
          label="View"
          value={mode}
          onChange={setMode}
          className="self-start"
          choices={[
            { value: "picture", label: "Picture" },
            { value: "compare", label: `Compare with the ${name}` },
          ]}
        />
      )}
    </div>
  );
}

interface SiblingsProps {
  details: Details;
  index: number;
  onIndex: (index: number) => void;
}

function Siblings({ details, index, onIndex }: SiblingsProps) {
  return (
    <ul aria-label="Pictures of this run" className="flex flex-wrap gap-1.5">
      {details.pictures.map((other, place) => (
        <li key={other.index}>
          <Thumbnail
            path={other.url}
            name={`Picture ${place + 1}`}
            current={other.index === index}
            onClick={() => onIndex(other.index)}
          />
        </li>
      ))}
    </ul>
  );
}

interface ThumbnailProps {
  path: string;
  name: string;
  current?: boolean;
  onClick: () => void;
}

function Thumbnail({ path, name, current = false, onClick }: ThumbnailProps) {
  return (
    <button
      type="button"
      aria-label={name}
      aria-current={current}
      title={name}
      onClick={onClick}
      className="block rounded-sm aria-[current=true]:outline-2
        aria-[current=true]:outline-offset-1 aria-[current=true]:outline-blue"
    >
      <Picture path={path} alt="" className="size-14 rounded-sm bg-well object-cover" />
    </button>
  );
}

interface ActionsProps {
  details: Details;
  picture: EntryPicture;
  onClose: () => void;
}

function Actions({ details, picture, onClose }: ActionsProps) {
  const ticket = useTickets((tickets) => tickets.ticket);
  const add = useReferences((references) => references.add);
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const name = `clippy-${details.id.slice(0, 8)}-${picture.index + 1}`;
  const run = (call: Promise<void>) => {
    setBusy(true);
    void call.then(onClose, setFailure).finally(() => setBusy(false));
  };
  const takeAsReference = async () => {
    const { url } = await baseAt(picture.url, name);
    add({ source: { kind: "own", url }, title: name, role: "style" });
  };
  return (
    <>
      <div className="grid grid-cols-2 gap-1.5">
        <Button
          size="small"
          look="solid"
          disabled={busy}
          onClick={() => run(goOnFrom(details.id, picture.index))}
        >
          <SquarePen />
          Go on from here
        </Button>
        <Button
          size="small"
          disabled={busy}
          onClick={() => run(restoreSettings(details.id, picture.index))}
        >
          <RotateCcw />
          Use these settings
        </Button>
        <Button size="small" disabled={busy} onClick={() => run(takeAsReference())}>
          <PaintBucket />
          Style reference
        </Button>
        <Button size="small" asChild>
          <a
            href={address(picture.url, ticket)}
            download={`${name}.${endingOf(picture.media_type)}`}
          >
            <Download />
            Download
          </a>
        </Button>
        <DeleteButton
          id={details.id}
          picture={details.pictures.length > 1 ? picture.index : null}
          question="Delete this picture for good?"
          className="justify-self-start"
          onDeleted={onClose}
          onFailure={setFailure}
        />
      </div>
      {failure !== null && <Notice error={failure} />}
    </>
  );
}

/** All steps of a chain of edits, the first one first. */
function Chain({ details, onOpen }: Pick<EntryDialogProps, "onOpen"> & { details: Details }) {
  const { data } = useChain(details.chain.id, true);
  const steps = [...(data ?? [])].reverse();
  return (
    <div>
      <h3 className="label-caps mb-1.5">{plural(details.chain.entries, "step")}</h3>
      <ol aria-label="Steps" className="flex flex-wrap gap-1.5">
        {steps.map((step, place) => {
          const [picture] = step.pictures;
          if (picture === undefined) return null;
          return (
            <li key={step.id}>
              <Thumbnail
                path={picture.url}
                name={`Step ${place + 1}: ${nameOf(step)}`}
                current={step.id === details.id}
                onClick={() => onOpen(step.id, picture.index)}
              />
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** The pictures of the gallery that it was made from. */
function References({
  details,
  onReference,
}: Pick<EntryDialogProps, "onReference"> & { details: Details }) {
  const ids = [...new Set(details.references)];
  if (ids.length === 0) return null;
  return (
    <div>
      <h3 className="label-caps mb-1.5">Made from</h3>
      <ul aria-label="References" className="flex flex-wrap gap-1.5">
        {ids.map((id, place) => (
          <li key={id}>
            <Thumbnail
              path={picturePath({ id }, 256)}
              name={`List everything that was made from picture ${place + 1}`}
              onClick={() => onReference(id)}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Words({ details }: { details: Details }) {
  if (details.constructed_prompt === "") return null;
  return (
    <div>
      <h3 className="label-caps mb-1.5">Prompt that was sent</h3>
      <p className="text-[0.8125rem] text-soft">{details.constructed_prompt}</p>
    </div>
  );
}
