import { X } from "lucide-react";
import { useState } from "react";

import type { Job } from "@/api/client";
import { JobButtons } from "@/jobs/buttons";
import { picturesOf, promptOf, type MadePicture } from "@/jobs/results";
import { StateName } from "@/jobs/state-name";
import { fractionOf, isOver, isRetryable, type JobView } from "@/jobs/view";
import { cn } from "@/lib/classes";
import { ago, plural, took } from "@/lib/format";
import { IconButton } from "@/ui/icon-button";
import { Picture } from "@/ui/picture";
import { Notice, ProgressBar, Skeleton } from "@/ui/states";

import { Made } from "./made";
import { Shortfalls } from "./receipt";

interface GenerateCardProps {
  view: JobView;
  now: number;
  /** Hides the job; without it the card cannot be hidden. */
  onForget?: () => void;
  /** Whether a retried job is listed among the recent ones. */
  remember?: boolean;
}

/** A generation: previews while it runs, then its pictures. */
export function GenerateCard({ view, now, onForget, remember = true }: GenerateCardProps) {
  const { job, previews } = view;
  const [open, setOpen] = useState<number | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const pictures = picturesOf(job);
  const over = isOver(job);
  const prompt = promptOf(job);

  return (
    <article
      aria-label={`Generation, ${job.state}`}
      data-job={job.id}
      data-state={job.state}
      className="flex flex-col gap-3 rounded-lg border border-line bg-raised p-3"
    >
      <div className="flex items-center gap-2 text-[0.8125rem]">
        <Status view={view} now={now} />
        <JobButtons
          job={job}
          retryable={isRetryable(job)}
          remember={remember}
          onFailure={setFailure}
        />
        {over && onForget !== undefined && <HideButton onClick={onForget} />}
      </div>
      {prompt !== null && (
        <p className="-mt-1.5 line-clamp-2 text-[0.8125rem] text-soft" title={prompt}>
          {prompt}
        </p>
      )}
      {!over && <ProgressBar fraction={fractionOf(job)} label="Progress of the generation" />}
      {failure !== null && <Notice error={failure} />}
      <JobError job={job} />
      {pictures.length > 0 ? (
        <Pictures pictures={pictures} onOpen={setOpen} />
      ) : (
        !over && job.state !== "queued" && <Previews previews={previews} />
      )}
      {over && job.receipt != null && <Shortfalls receipt={job.receipt} />}
      {job.state === "succeeded" && (
        <p className="sr-only" role="status">
          {plural(pictures.length, "picture")} generated
        </p>
      )}
      {open !== null && (
        <Made job={job} index={open} onIndex={setOpen} onClose={() => setOpen(null)} />
      )}
    </article>
  );
}

function Status({ view: { job, connection }, now }: { view: JobView; now: number }) {
  const over = isOver(job);
  return (
    <>
      <StateName job={job} />
      <span className="min-w-0 flex-1 truncate text-soft" role={over ? undefined : "status"}>
        {statusLine(job, now)}
        {job.attempt > 1 && !over ? ` · attempt ${job.attempt}` : ""}
      </span>
      {connection === "lost" && !over && <span className="text-xs text-amber">reconnecting…</span>}
    </>
  );
}

function statusLine(job: Job, now: number): string {
  if (isOver(job)) {
    const duration = took(job.started_at, job.finished_at);
    return [duration, ago(job.created_at, now)].filter(Boolean).join(" · ");
  }
  if (job.state !== "queued") return job.progress.message || "Starting";
  return job.position ? `Position ${job.position} in the queue` : "Waiting for a worker";
}

function HideButton({ onClick }: { onClick: () => void }) {
  return (
    <IconButton
      name="Hide this job"
      tip="Hide it here; it stays in the history"
      size="icon-tiny"
      onClick={onClick}
    >
      <X />
    </IconButton>
  );
}

/** Why the job failed, or why its last attempt did. */
function JobError({ job: { error, state } }: { job: Job }) {
  if (error == null || state === "succeeded" || state === "cancelled") return null;
  const colour = state === "failed" ? "text-ruby" : "text-amber";
  return <p className={cn("text-[0.8125rem]", colour)}>{error.message}</p>;
}

const GRID = "grid grid-cols-[repeat(auto-fill,minmax(min(6.5rem,45%),1fr))] gap-2";

interface PicturesProps {
  pictures: readonly MadePicture[];
  onOpen: (index: number) => void;
}

function Pictures({ pictures, onOpen }: PicturesProps) {
  return (
    <ul aria-label="Generated pictures" className={GRID}>
      {pictures.map((picture, index) => (
        <li key={picture.index}>
          <button
            type="button"
            aria-label={`Open picture ${index + 1}`}
            onClick={() => onOpen(index)}
            className="block w-full overflow-hidden rounded-md bg-well"
          >
            <Picture
              path={picture.url}
              alt={`Result ${index + 1}`}
              loading="lazy"
              className="aspect-square w-full object-cover"
            />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The previews received so far, each in the place of its picture. */
function Previews({ previews }: Pick<JobView, "previews">) {
  const places = Object.keys(previews).map((index) => Number(index) + 1);
  return (
    <ul aria-label="Previews" className={GRID}>
      {Array.from({ length: Math.max(1, ...places) }, (_, index) => {
        const preview = previews[index];
        return (
          <li key={index} className="relative">
            {preview === undefined ? (
              <Skeleton className="aspect-square" />
            ) : (
              <img
                src={preview}
                alt={`Preview ${index + 1}`}
                className="aspect-square w-full rounded-md bg-well object-cover"
              />
            )}
          </li>
        );
      })}
    </ul>
  );
}
