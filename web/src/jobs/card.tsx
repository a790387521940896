import { Ban, RotateCcw, X } from "lucide-react";
import { useState } from "react";

import type { Job } from "@/api/client";
import { receiptOf } from "@/api/providers";
import { Made } from "@/make/made";
import { outcome, Shortfalls } from "@/make/receipt";
import { cn } from "@/lib/classes";
import { ago, plural, took } from "@/lib/format";
import { Button } from "@/ui/button";
import { Tip } from "@/ui/overlays";
import { Picture } from "@/ui/picture";
import { Notice, ProgressBar, Skeleton } from "@/ui/states";

import { cancelJob, picturesOf, promptOf, retryJob } from "./store";
import { fractionOf, isOver, mayRetry, type JobView } from "./view";

const COLOURS: Record<string, string> = { succeeded: "text-green", failed: "text-ruby", cancelled: "text-soft", running: "text-blue", waiting: "text-blue", queued: "text-soft" };

export function StateName({ state, job }: { state: string; job?: Job }) {
  const { dropped, approximated } = outcome(receiptOf(job?.receipt));
  const less = [dropped > 0 && `${dropped} dropped`, approximated > 0 && `${approximated} approximated`].filter((part) => part !== false);
  if (state !== "succeeded" || less.length === 0) return <span className={cn("font-medium capitalize", COLOURS[state])}>{state}</span>;
  return <span className="font-medium whitespace-nowrap text-amber">Made, {less.join(", ")}</span>;
}

/** One job of generation: previews while it runs, then its pictures. */
export function GenerateCard({ view, now, onForget, remember = true }: { view: JobView; now: number; onForget?: () => void; remember?: boolean }) {
  const { job, previews, connection } = view;
  const [open, setOpen] = useState<number | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const pictures = picturesOf(job);
  const receipt = receiptOf(job.receipt);
  const over = isOver(job);
  const prompt = promptOf(job);
  const fraction = fractionOf(job);
  const asked = Math.max(1, pictures.length, ...Object.keys(previews).map((index) => Number(index) + 1), ofMessage(job.progress.message));
  const line =
    job.state === "queued" ? (job.position ? `Place ${job.position} in line` : "Waiting for a worker") :
    over ? [took(job.started_at, job.finished_at), ago(job.created_at, now)].filter(Boolean).join(" · ") :
    job.progress.message || "Starting";

  return (
    <article aria-label={`Generation, ${job.state}`} data-job={job.id} data-state={job.state} className="flex flex-col gap-3 rounded-lg border border-line bg-raised p-3">
      <div className="flex items-center gap-2 text-[0.8125rem]">
        <StateName state={job.state} job={job} />
        <span className="min-w-0 flex-1 truncate text-soft" role={over ? undefined : "status"}>{line}{job.attempt > 1 && !over ? ` · attempt ${job.attempt}` : ""}</span>
        {connection === "lost" && !over && <span className="text-xs text-amber">connecting again…</span>}
        {!over && <Button size="tiny" look="danger" onClick={() => cancelJob(job.id).then(() => setFault(null), setFault)}><Ban />Cancel</Button>}
        {mayRetry(job) && <Button size="tiny" onClick={() => retryJob(job.id, remember).then(() => setFault(null), setFault)}><RotateCcw />Retry</Button>}
        {over && onForget !== undefined && (
          <Tip text="Hide it here; the history keeps it"><Button size="icon-tiny" look="ghost" aria-label="Hide this job" onClick={onForget}><X /></Button></Tip>
        )}
      </div>
      {prompt !== null && <p className="-mt-1.5 line-clamp-2 text-[0.8125rem] text-soft" title={prompt}>{prompt}</p>}
      {!over && <ProgressBar fraction={fraction} label="Progress of the generation" />}
      {fault !== null && <Notice error={fault} />}
      {job.error && (job.state === "failed" || !over) && <p className={cn("text-[0.8125rem]", job.state === "failed" ? "text-ruby" : "text-amber")}>{job.error.message}</p>}
      {(pictures.length > 0 || (!over && job.state !== "queued")) && (
        <ul aria-label={over ? "Made pictures" : "Previews"} className="grid grid-cols-[repeat(auto-fill,minmax(min(6.5rem,45%),1fr))] gap-2">
          {pictures.length > 0
            ? pictures.map((picture) => (
                <li key={picture.index}>
                  <button type="button" aria-label={`Open picture ${picture.index + 1}`} onClick={() => setOpen(picture.index)} className="block w-full overflow-hidden rounded-md bg-well">
                    <Picture path={picture.url} alt={`Result ${picture.index + 1}`} loading="lazy" className="aspect-square w-full object-cover" />
                  </button>
                </li>
              ))
            : Array.from({ length: asked }, (_, index) => {
                const preview = previews[index];
                return (
                  <li key={index} className="relative">
                    {preview === undefined ? <Skeleton className="aspect-square" /> : <img src={preview} alt={`Preview ${index + 1}`} className="aspect-square w-full rounded-md bg-well object-cover" />}
                  </li>
                );
              })}
        </ul>
      )}
      {over && receipt !== null && <Shortfalls receipt={receipt} />}
      {job.state === "succeeded" && <p className="sr-only" role="status">{plural(pictures.length, "picture")} made</p>}
      {open !== null && <Made job={job} index={open} onIndex={setOpen} onClose={() => setOpen(null)} />}
    </article>
  );
}

/** Workers say "painting picture 1 of 2"; how many there will be is told nowhere else. */
function ofMessage(message: string): number {
  return Number(message.match(/ of (\d+)$/)?.[1] ?? 1);
}
