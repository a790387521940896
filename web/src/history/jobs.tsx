import { useInfiniteQuery } from "@tanstack/react-query";
import { History as HistoryIcon } from "lucide-react";
import { useEffect, useState } from "react";

import { api, body, type Job, type JobState } from "@/api/client";
import { needsKey } from "@/api/problem";
import { followListed, useJobs } from "@/jobs/store";
import { viewOf } from "@/jobs/view";
import { useNow } from "@/lib/use-now";
import { GenerateCard } from "@/make/job-card";
import { openKeys } from "@/state/keys-dialog";
import { Button } from "@/ui/button";
import { Segments } from "@/ui/controls";
import { Empty, Failure, Skeleton } from "@/ui/states";

type Shown = "all" | JobState;
const STATES: readonly Shown[] = ["all", "running", "succeeded", "failed", "cancelled"];
const PAGE = 24;

function useGenerations(shown: Shown) {
  return useInfiniteQuery({
    queryKey: ["jobs", "generate", shown],
    queryFn: async ({ pageParam }) => {
      const query = {
        kind: "generate",
        limit: PAGE,
        ...(shown === "all" ? {} : { state: shown }),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return body(await api.GET("/api/jobs", { params: { query } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor ?? null,
    refetchInterval: 10_000,
  });
}

/** All jobs that generate pictures, also those that run or failed, the newest first. */
export function JobList() {
  const [shown, setShown] = useState<Shown>("all");
  return (
    <>
      <Segments
        label="State"
        value={shown}
        onChange={setShown}
        choices={STATES.map((state) => ({
          value: state,
          label: <span className="capitalize">{state}</span>,
        }))}
        className="self-start max-sm:w-full max-sm:overflow-x-auto"
      />
      <Generations shown={shown} />
    </>
  );
}

function Generations({ shown }: { shown: Shown }) {
  const { data, error, isPending, refetch, ...more } = useGenerations(shown);
  const pages = data?.pages;
  useEffect(() => pages?.flatMap((page) => page.jobs).forEach(followListed), [pages]);
  if (isPending) {
    return (
      <div className="grid gap-3 lg:grid-cols-2" aria-label="Loading">
        {Array.from({ length: 4 }, (_, index) => (
          <Skeleton key={index} className="h-48" />
        ))}
      </div>
    );
  }
  const jobs = pages?.flatMap((page) => page.jobs) ?? [];
  if (error !== null && jobs.length === 0) {
    const key = needsKey(error) ? { onKey: () => openKeys("key") } : {};
    return <Failure error={error} onRetry={() => void refetch()} {...key} />;
  }
  if (jobs.length === 0) {
    const title = shown === "all" ? "No generations yet" : `No ${shown} generations`;
    return (
      <Empty icon={<HistoryIcon />} title={title}>
        Jobs are listed here while they run, and for some days after.
      </Empty>
    );
  }
  return (
    <>
      <Cards jobs={jobs} />
      {more.hasNextPage && (
        <Button
          className="self-center"
          disabled={more.isFetchingNextPage}
          onClick={() => void more.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </>
  );
}

function Cards({ jobs }: { jobs: readonly Job[] }) {
  const views = useJobs((state) => state.views);
  const now = useNow();
  return (
    <div className="grid items-start gap-3 lg:grid-cols-2">
      {jobs.map((job) => (
        <GenerateCard key={job.id} view={views[job.id] ?? viewOf(job)} now={now} remember={false} />
      ))}
    </div>
  );
}
