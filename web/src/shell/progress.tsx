import { Check, Wand2 } from "lucide-react";
import { useEffect } from "react";
import { create } from "zustand";

import type { JobView } from "@/jobs/view";
import { useJobs } from "@/jobs/store";
import { fractionOf, isOver } from "@/jobs/view";
import { percent, plural } from "@/lib/format";
import { showPanel, useLayout } from "@/state/layout";
import { usePlace } from "@/state/place";
import { Button } from "@/ui/button";
import { ProgressBar } from "@/ui/states";

interface Progress {
  running: number;
  /** The mean of the jobs, 0..1, or null while none is known. */
  fraction: number | null;
}

/** The progress of the recent jobs that are not over. */
function progressOf(views: Readonly<Record<string, JobView>>, recent: readonly string[]): Progress {
  const open = recent.flatMap((id) => views[id] ?? []).filter(({ job }) => !isOver(job));
  const known = open.map(({ job }) => fractionOf(job)).filter((fraction) => fraction !== null);
  const sum = known.reduce((total, fraction) => total + fraction, 0);
  return { running: open.length, fraction: known.length > 0 ? sum / open.length : null };
}

/** The jobs that succeeded while their pictures were out of sight. */
export const useUnseen = create<{ jobs: readonly string[] }>()(() => ({ jobs: [] }));

useJobs.subscribe(({ views, recent }, before) => {
  const finished = recent.filter((id) => {
    const [now, then] = [views[id]?.job, before.views[id]?.job];
    return now?.state === "succeeded" && then !== undefined && !isOver(then);
  });
  if (finished.length === 0) return;
  useUnseen.setState(({ jobs }) => ({ jobs: [...new Set([...jobs, ...finished])] }));
});

/** Whether the pictures of recent jobs are shown. */
function useInSight(): boolean {
  const shown = useLayout(({ sheet }) => sheet === "make");
  return usePlace() === "studio" && shown;
}

/** The progress of generations, in sight from every view. It leads to them. */
export function GenerationProgress() {
  const { views, recent } = useJobs();
  const { running, fraction } = progressOf(views, recent);
  const unseen = useUnseen(({ jobs }) => jobs.length);
  const inSight = useInSight();
  useEffect(() => {
    if (inSight && unseen > 0) useUnseen.setState({ jobs: [] });
  }, [inSight, unseen]);
  const news = inSight || running > 0 ? 0 : unseen;
  const open = () => showPanel("make");
  return (
    <>
      <span role="status" className="sr-only">
        {news > 0 ? `${plural(news, "generation")} finished` : ""}
      </span>
      {running > 0 && (
        <>
          <Button look="ghost" size="small" className="max-md:hidden" onClick={open}>
            <Wand2 />
            <span className="tabular">
              Generating{fraction === null ? "…" : ` ${percent(fraction)}`}
            </span>
          </Button>
          <ProgressBar
            fraction={fraction}
            label="Progress of the generations"
            className="absolute inset-x-0 -bottom-0.5 z-20 rounded-none"
          />
        </>
      )}
      {news > 0 && (
        <Button look="ghost" size="small" className="text-green max-md:hidden" onClick={open}>
          <Check />
          Pictures ready
        </Button>
      )}
    </>
  );
}
