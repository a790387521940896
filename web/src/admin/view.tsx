import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useEffect } from "react";

import { api, body, type Job } from "@/api/client";
import { needsKey } from "@/api/problem";
import { followListed, useJobs } from "@/jobs/store";
import { isOver, viewOf, type JobView } from "@/jobs/view";
import { useNow } from "@/lib/use-now";
import { openKeys } from "@/shell/keys";
import { useSession } from "@/state/session";
import { Button } from "@/ui/button";
import { Empty, Failure, Skeleton } from "@/ui/states";

import { BulkJob } from "./bulk-job";
import { CollectionCard } from "./collection";
import { Lanes } from "./lanes";
import { StartForm } from "./start";

/** For who runs the server. */
export default function AdminView() {
  const adminKey = useSession((session) => session.adminKey);
  const collection = useQuery({
    queryKey: ["collection", adminKey],
    queryFn: async () => body(await api.GET("/api/admin/collection")),
    refetchInterval: 10_000,
  });
  const enter = () => openKeys("adminKey");

  return (
    <div className="scroll-slim h-full overflow-y-auto">
      <div className="mx-auto flex max-w-6xl flex-col gap-5 p-5">
        <div className="flex items-center justify-between gap-3">
          <h1 className="text-lg font-semibold tracking-tight">Admin</h1>
          <Button size="small" onClick={enter}><KeyRound />{adminKey === "" ? "Enter a key" : "Change the key"}</Button>
        </div>
        {collection.isPending ? (
          <div aria-label="Loading" className="grid gap-5 lg:grid-cols-2"><Skeleton className="h-56" /><Skeleton className="h-56" /></div>
        ) : collection.error !== null && collection.data === undefined ? (
          <Failure error={collection.error} onRetry={() => void collection.refetch()} {...(needsKey(collection.error) ? { onKey: enter } : {})} />
        ) : (
          collection.data !== undefined && (
            <>
              <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)]">
                <CollectionCard collection={collection.data} />
                <Lanes />
              </div>
              <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)]">
                <StartForm />
                <BulkJobs />
              </div>
            </>
          )
        )}
      </div>
    </div>
  );
}

/** What is followed, with the parts as they were counted last. */
function counted(view: JobView, listed: Job): JobView {
  const children = listed.children ?? view.job.children;
  return children == null ? view : { ...view, job: { ...view.job, children } };
}

function BulkJobs() {
  const views = useJobs((jobs) => jobs.views);
  const now = useNow();
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ["jobs", "bulk"],
    queryFn: async () => {
      const { jobs } = body(await api.GET("/api/jobs", { params: { query: { limit: 100 } } }));
      return jobs.filter(({ kind }) => kind !== "generate").slice(0, 20);
    },
    // Events do not tell of parts: those are counted in the list.
    refetchInterval: ({ state }) => (state.data?.every(isOver) === false ? 1000 : 10_000),
  });
  useEffect(() => data?.forEach(followListed), [data]);
  return (
    <section aria-label="Bulk work" className="flex flex-col gap-3">
      <h2 className="font-semibold tracking-tight">Bulk work</h2>
      {isPending ? (
        <Skeleton className="h-24" />
      ) : error !== null && data === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : data === undefined || data.length === 0 ? (
        <div className="rounded-lg border border-dashed border-line"><Empty title="No bulk work yet">Ingest, backfill and re-index show here, with their progress.</Empty></div>
      ) : (
        data.map((job) => <BulkJob key={job.id} view={counted(views[job.id] ?? viewOf(job), job)} now={now} />)
      )}
    </section>
  );
}
