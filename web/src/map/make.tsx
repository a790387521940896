import { Map as MapIcon, RotateCw } from "lucide-react";
import { useState } from "react";

import type { Job } from "@/api/client";
import { EditFailure } from "@/find/edit-failure";
import { useIsOwner } from "@/find/use-is-owner";
import { JobButtons } from "@/jobs/buttons";
import { plainly } from "@/jobs/results";
import { fractionOf, isOver, isRetryable } from "@/jobs/view";
import { noun, plural, progressOf } from "@/lib/format";
import { openKeys } from "@/state/keys-dialog";
import { Button } from "@/ui/button";
import { Empty, Notice, ProgressBar } from "@/ui/states";

import { useMapJob } from "./job";
import { NEIGHBOURS, type GalleryMap, type MapSpace } from "./places";

/** There is no map yet: who can make it, makes it. */
export function NoMap({ space }: { space: MapSpace }) {
  const { view, isRunning, starting } = useMapJob(space);
  const isOwner = useIsOwner();
  return (
    <Empty icon={<MapIcon />} title="No map has been made yet" className="max-w-md">
      <p>
        {`This map puts ${NEIGHBOURS[space].pictures} near each other.`}
        {!isOwner && " An admin of this server can make it."}
      </p>
      <div className="mt-3 flex flex-col items-center gap-3">
        {view !== undefined && <MakingJob job={view.job} />}
        {!isRunning &&
          (isOwner ? (
            <Button look="solid" disabled={starting.isPending} onClick={() => starting.mutate()}>
              <MapIcon />
              {starting.isPending ? "Starting…" : "Make the map"}
            </Button>
          ) : (
            <Button onClick={() => openKeys("adminKey")}>Enter an admin’s key</Button>
          ))}
        <EditFailure error={starting.error} />
      </div>
    </Empty>
  );
}

/** When the map was made, what it lacks, and how to make it anew. */
export function Made({ map, space }: { map: GalleryMap; space: MapSpace }) {
  const { view, isRunning, starting } = useMapJob(space);
  const isOwner = useIsOwner();
  return (
    <div
      className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-t px-3 py-1.5 text-xs
        text-soft"
    >
      <p className="tabular">{madeText(map)}</p>
      {isOwner && !isRunning && (
        <Button
          look="ghost"
          size="tiny"
          disabled={starting.isPending}
          onClick={() => starting.mutate()}
        >
          <RotateCw />
          {starting.isPending ? "Starting…" : "Make it anew"}
        </Button>
      )}
      {view !== undefined && <MakingJob job={view.job} />}
      <EditFailure error={starting.error} />
    </div>
  );
}

export function madeText({ made, unplaced }: Pick<GalleryMap, "made" | "unplaced">): string {
  const date = new Date(made * 1000).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
  if (unplaced === 0) return `Made on ${date}`;
  const are = noun(unplaced, "is", "are");
  return `Made on ${date}, ${plural(unplaced, "picture")} of the gallery ${are} not on it`;
}

/** The progress of the job, or why it made no map. */
function MakingJob({ job }: { job: Job }) {
  const [failure, setFailure] = useState<unknown>(null);
  const { state, error } = job;
  return (
    <div className="flex w-64 max-w-full flex-col gap-1.5 text-left">
      {!isOver(job) && (
        <>
          <ProgressBar fraction={fractionOf(job)} label="Progress of the map" />
          <p role="status" className="tabular text-xs">
            {progressText(job)}
          </p>
        </>
      )}
      {state === "failed" && <Notice error={new Error(reasonOf(job))} />}
      {state === "cancelled" && <p role="status">The map was not made: it was cancelled.</p>}
      {!isOver(job) && error != null && (
        <p className="text-xs text-amber">{plainly(error.message)}</p>
      )}
      {failure !== null && <Notice error={failure} />}
      <div className="flex gap-2">
        <JobButtons
          job={job}
          retryable={isRetryable(job)}
          remember={false}
          onFailure={setFailure}
        />
      </div>
    </div>
  );
}

function reasonOf({ error }: Job): string {
  return error == null ? "The map could not be made." : plainly(error.message);
}

function progressText({ state, progress: { done, total, unit, message } }: Job): string {
  if (state === "queued") return "Waiting for a worker";
  if (total) return `Making the map: ${progressOf(done, total, unit)}`;
  return message === "" ? "Making the map…" : message;
}
