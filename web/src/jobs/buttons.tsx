import { Ban, RotateCcw } from "lucide-react";

import type { Job } from "@/api/client";
import { Button } from "@/ui/button";

import { cancelJob, retryJob } from "./store";
import { isOver } from "./view";

interface JobButtonsProps {
  job: Job;
  retryable: boolean;
  /** Whether a retried job is listed among the recent ones. */
  remember: boolean;
  /** Null after a success. */
  onFailure: (failure: unknown) => void;
}

/** Cancels a job, or starts it again. */
export function JobButtons({ job, retryable, remember, onFailure }: JobButtonsProps) {
  const run = (call: Promise<void>) => void call.then(() => onFailure(null), onFailure);
  return (
    <>
      {!isOver(job) && (
        <Button size="tiny" look="danger" onClick={() => run(cancelJob(job.id))}>
          <Ban />
          Cancel
        </Button>
      )}
      {retryable && (
        <Button size="tiny" onClick={() => run(retryJob(job.id, remember))}>
          <RotateCcw />
          Retry
        </Button>
      )}
    </>
  );
}
