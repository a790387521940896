import { useInfiniteQuery } from "@tanstack/react-query";
import { History as HistoryIcon } from "lucide-react";
import { useEffect, useState } from "react";

import { api, body } from "@/api/client";
import { needsKey } from "@/api/problem";
import { GenerateCard } from "@/jobs/card";
import { followListed, useJobs } from "@/jobs/store";
import { viewOf } from "@/jobs/view";
import { useNow } from "@/lib/use-now";
import { openKeys } from "@/shell/keys";
import { Button } from "@/ui/button";
import { Segments } from "@/ui/controls";
import { Empty, Failure, Skeleton } from "@/ui/states";

const STATES = ["all", "running", "succeeded", "failed", "cancelled"] as const;
type Shown = (typeof STATES)[number];

/** All generations, the newest first. */
export default function HistoryView() {
  const [shown, setShown] = useState<Shown>("all");
  const views = useJobs((jobs) => jobs.views);
  const now = useNow();
  const jobs = useInfiniteQuery({
    queryKey: ["jobs", "generate", shown],
    queryFn: async ({ pageParam }) =>
      body(
        await api.GET("/api/jobs", {
          params: { query: { kind: "generate", limit: 24, ...(shown === "all" ? {} : { state: shown }), ...(pageParam === null ? {} : { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor ?? null,
    refetchInterval: 10_000,
  });
  const pages = jobs.data?.pages;
  const all = pages?.flatMap((page) => page.jobs) ?? [];
  useEffect(() => pages?.flatMap((page) => page.jobs).forEach(followListed), [pages]);

  return (
    <div className="scroll-slim h-full overflow-y-auto">
      <div className="mx-auto flex max-w-6xl flex-col gap-4 p-5">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="text-lg font-semibold tracking-tight">History</h1>
          <Segments label="State" value={shown} onChange={setShown} choices={STATES.map((state) => ({ value: state, label: <span className="capitalize">{state}</span> }))} className="max-sm:w-full max-sm:overflow-x-auto" />
        </div>
        {jobs.isPending ? (
          <div className="grid gap-3 lg:grid-cols-2" aria-label="Loading">{Array.from({ length: 4 }, (_, index) => <Skeleton key={index} className="h-48" />)}</div>
        ) : jobs.error !== null && all.length === 0 ? (
          <Failure error={jobs.error} onRetry={() => void jobs.refetch()} {...(needsKey(jobs.error) ? { onKey: () => openKeys("key") } : {})} />
        ) : all.length === 0 ? (
          <Empty icon={<HistoryIcon />} title={shown === "all" ? "No generations yet" : `None that are ${shown}`}>Pictures that you generate are kept here, with their receipts.</Empty>
        ) : (
          <>
            <div className="grid items-start gap-3 lg:grid-cols-2">
              {all.map((job) => <GenerateCard key={job.id} view={views[job.id] ?? viewOf(job)} now={now} remember={false} />)}
            </div>
            {jobs.hasNextPage && <Button className="self-center" disabled={jobs.isFetchingNextPage} onClick={() => void jobs.fetchNextPage()}>Show more</Button>}
          </>
        )}
      </div>
    </div>
  );
}
