import { useQuery } from "@tanstack/react-query";
import { Download, Layers, PaintBucket, SquarePen } from "lucide-react";
import { useState } from "react";

import { request, type Job } from "@/api/client";
import { address, useTickets } from "@/api/tickets";
import { picturesOf, promptOf, type MadePicture } from "@/jobs/results";
import { at } from "@/lib/address";
import { endingOf } from "@/lib/format";
import { loadBaseFrom } from "@/pad/load";
import { baseOf } from "@/pad/paint";
import { useReferences } from "@/references/store";
import { goTo } from "@/state/place";
import { Button } from "@/ui/button";
import { Segments } from "@/ui/controls";
import { Dialog } from "@/ui/overlays";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { Compare } from "./compare";
import { readMadeFrom } from "./made-from";
import { ReceiptList } from "./receipt";

interface MadeProps {
  job: Job;
  index: number;
  onIndex: (index: number) => void;
  onClose: () => void;
}

/** A large view of a generated picture, with its receipt and what can be done with it. */
export function Made({ job, index, onIndex, onClose }: MadeProps) {
  const pictures = picturesOf(job);
  const picture = pictures[index];
  if (picture === undefined) return null;
  const { width, height, seed } = picture;
  const { receipt } = job;
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Picture ${index + 1} of ${pictures.length}`}
      description={`${width} × ${height}${seed == null ? "" : ` · seed ${seed}`}`}
      className="max-w-5xl"
    >
      <div className="grid gap-5 md:grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)]">
        <Comparison job={job} picture={picture} name={`Result ${index + 1}`} />
        <div className="flex min-w-0 flex-col gap-5">
          {pictures.length > 1 && <Siblings pictures={pictures} index={index} onIndex={onIndex} />}
          <Actions
            job={job.id}
            picture={picture}
            name={`clippy-${job.id.slice(0, 8)}-${index + 1}`}
            onClose={onClose}
          />
          {receipt != null && (
            <ReceiptList receipt={receipt} title={`Receipt · ${receipt.provider}`} />
          )}
          <Prompt job={job} />
        </div>
      </div>
    </Dialog>
  );
}

interface ComparisonProps {
  job: Job;
  picture: MadePicture;
  name: string;
}

/** The picture, alone or beside the drawing that it was generated from, if that is stored. */
function Comparison({ job, picture, name }: ComparisonProps) {
  const [mode, setMode] = useState<"picture" | "compare">("picture");
  const from = useQuery({ queryKey: ["made-from", job.id], queryFn: () => readMadeFrom(job.id) });
  const before = from.data?.base ?? from.data?.sketch ?? null;
  const drawn = job.receipt?.lines.some(({ input }) => input === "sketch" || input === "base");
  return (
    <div className="flex min-w-0 flex-col gap-3">
      {mode === "compare" && before !== null ? (
        <Compare before={before} after={picture.url} labels={["The drawing", "The picture"]} />
      ) : (
        <Picture
          path={picture.url}
          alt={name}
          className="max-h-[70dvh] w-full rounded-md bg-well object-contain"
        />
      )}
      {before !== null && (
        <Segments
          label="View"
          value={mode}
          onChange={setMode}
          className="self-start"
          choices={[
            { value: "picture", label: "Picture" },
            { value: "compare", label: `Compare with the ${from.data?.base ? "base" : "sketch"}` },
          ]}
        />
      )}
      {before === null && drawn === true && !from.isPending && (
        <p className="text-[0.8125rem] text-soft">
          The drawing that this was made from is not kept in this browser, so that it cannot be
          compared.
        </p>
      )}
    </div>
  );
}

interface SiblingsProps {
  pictures: readonly MadePicture[];
  index: number;
  onIndex: (index: number) => void;
}

/** All pictures of the job, to choose from. */
function Siblings({ pictures, index, onIndex }: SiblingsProps) {
  return (
    <ul aria-label="Pictures of this job" className="flex flex-wrap gap-1.5">
      {pictures.map((other, place) => (
        <li key={other.index}>
          <button
            type="button"
            aria-label={`Picture ${place + 1}`}
            aria-current={place === index}
            onClick={() => onIndex(place)}
            className="block rounded-sm aria-[current=true]:outline-2
              aria-[current=true]:outline-offset-1 aria-[current=true]:outline-blue"
          >
            <Picture path={other.url} alt="" className="size-14 rounded-sm bg-well object-cover" />
          </button>
        </li>
      ))}
    </ul>
  );
}

interface ActionsProps {
  job: string;
  picture: MadePicture;
  /** The name for a file and a reference. */
  name: string;
  onClose: () => void;
}

function Actions({ job, picture, name, onClose }: ActionsProps) {
  const ticket = useTickets((tickets) => tickets.ticket);
  const add = useReferences((references) => references.add);
  const [failure, setFailure] = useState<unknown>(null);
  const takeAsBase = async () => {
    await loadBaseFrom(picture.url, name, { id: job, index: picture.index });
    onClose();
    goTo("studio");
  };
  const takeAsReference = async () => {
    const response = await request(new Request(at(picture.url)));
    const { url } = await baseOf(await response.blob(), name);
    add({ source: { kind: "own", url }, title: name, role: "style" });
    onClose();
  };
  return (
    <>
      <div className="grid grid-cols-2 gap-1.5">
        <Button size="small" look="solid" onClick={() => takeAsBase().catch(setFailure)}>
          <SquarePen />
          Use as base
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
        <Button
          size="small"
          className="col-span-2"
          onClick={() => takeAsReference().catch(setFailure)}
        >
          <PaintBucket />
          Use as a style reference
        </Button>
      </div>
      {failure !== null && <Notice error={failure} />}
    </>
  );
}

function Prompt({ job }: { job: Job }) {
  const prompt = promptOf(job);
  if (prompt === null) return null;
  return (
    <div>
      <h3 className="label-caps mb-1.5 flex items-center gap-1.5">
        <Layers className="size-3.5" />
        Prompt that was sent
      </h3>
      <p className="text-[0.8125rem] text-soft">{prompt}</p>
    </div>
  );
}
