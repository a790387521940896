import type { Job, JobState } from "@/api/client";
import { shortfallCounts } from "@/api/receipt";
import { cn } from "@/lib/classes";

const COLOURS: Record<JobState, string> = {
  queued: "text-soft",
  running: "text-blue",
  waiting: "text-blue",
  succeeded: "text-green",
  failed: "text-ruby",
  cancelled: "text-soft",
};

/** The state of a job. A success that dropped or approximated an input says so instead. */
export function StateName({ job: { state, receipt } }: { job: Job }) {
  const { dropped, approximated } = shortfallCounts(receipt);
  if (state !== "succeeded" || dropped + approximated === 0) {
    return <span className={cn("font-medium capitalize", COLOURS[state])}>{state}</span>;
  }
  const parts = [
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
    ...(approximated > 0 ? [`${approximated} approximated`] : []),
  ];
  return <span className="font-medium whitespace-nowrap text-amber">Done, {parts.join(", ")}</span>;
}
