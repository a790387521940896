import { ArrowRight } from "lucide-react";
import { useState } from "react";

import { shortfallCounts } from "@/api/receipt";
import { picturesOf } from "@/jobs/results";
import { useJobs } from "@/jobs/store";
import { fractionOf, isOver, type JobView } from "@/jobs/view";
import { plural } from "@/lib/format";
import { Made } from "@/make/made";
import { ReceiptList } from "@/make/receipt";
import { Button } from "@/ui/button";
import { Picture } from "@/ui/picture";
import { ProgressBar, Skeleton } from "@/ui/states";

import type { Cell } from "./store";

interface CellProps {
  cell: Cell | undefined;
  /** Whether the run is being sent. */
  sending: boolean;
  /** What it is made from, for its names. */
  name: string;
  onPick: () => void;
}

/** One picture of the grid: its progress, then the picture with its receipt. */
export function GridCell({ cell, sending, name, onPick }: CellProps) {
  const view = useJobs(({ views }) => (cell?.job == null ? undefined : views[cell.job]));
  if (cell === undefined) return <Note text="Refused by the provider, so not sent." />;
  if (cell.failure !== null) return <Note text={cell.failure} />;
  if (cell.job === null && !sending) return <Note text="Not sent: the page was closed before." />;
  if (view === undefined) return <Skeleton className="aspect-square w-full" />;
  if (!isOver(view.job)) return <Running view={view} />;
  return <Finished view={view} name={name} onPick={onPick} />;
}

function Note({ text }: { text: string }) {
  return (
    <p className="flex aspect-square w-full items-center rounded-md bg-well p-3 text-xs text-soft">
      {text}
    </p>
  );
}

function Running({ view: { job, previews } }: { view: JobView }) {
  const preview = previews[0];
  return (
    <div className="flex flex-col gap-1.5" data-job={job.id} data-state={job.state}>
      {preview === undefined ? (
        <Skeleton className="aspect-square w-full" />
      ) : (
        <img src={preview} alt="Preview" className="aspect-square w-full rounded-md object-cover" />
      )}
      <ProgressBar fraction={fractionOf(job)} label="Progress of the generation" />
    </div>
  );
}

interface FinishedProps extends Pick<CellProps, "name" | "onPick"> {
  view: JobView;
}

function Finished({ view: { job }, name, onPick }: FinishedProps) {
  const [open, setOpen] = useState(false);
  const [picture] = picturesOf(job);
  if (picture === undefined) {
    return <Note text={job.error?.message ?? `This generation is ${job.state}.`} />;
  }
  const { dropped, approximated } = shortfallCounts(job.receipt);
  const short = dropped + approximated;
  return (
    <div className="flex flex-col gap-1.5" data-job={job.id} data-state={job.state}>
      <button
        type="button"
        aria-label={`Open the picture of ${name}`}
        onClick={() => setOpen(true)}
        className="block w-full overflow-hidden rounded-md bg-well"
      >
        <Picture path={picture.url} alt={name} className="aspect-square w-full object-cover" />
      </button>
      <Button size="tiny" aria-label={`Go on with ${name}`} onClick={onPick}>
        Go on with this
        <ArrowRight />
      </Button>
      {job.receipt != null && (
        <details className="text-left text-xs">
          <summary className={short > 0 ? "text-amber" : "text-soft"}>
            {short > 0 ? `${plural(short, "input")} not honoured` : "All honoured"}
          </summary>
          <div className="mt-2">
            <ReceiptList receipt={job.receipt} title={`Receipt · ${job.receipt.provider}`} />
          </div>
        </details>
      )}
      {open && (
        <Made job={job} index={0} onIndex={() => undefined} onClose={() => setOpen(false)} />
      )}
    </div>
  );
}
