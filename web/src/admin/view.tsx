import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useEffect, useState } from "react";

import { api, body, type Job } from "@/api/client";
import { needsKey } from "@/api/problem";
import { followListed, useJobs } from "@/jobs/store";
import { isOver, viewOf, type JobView } from "@/jobs/view";
import { useNow } from "@/lib/use-now";
import { openKeys } from "@/state/keys-dialog";
import { useSession } from "@/state/session";
import { Button } from "@/ui/button";
import { Empty, Failure, Skeleton } from "@/ui/states";

import { AddFolderForm } from "./add-folder";
import { BulkJob } from "./bulk-job";
import { ChangeForm } from "./change-form";
import { RecentChanges, useRecorded } from "./changes";
import { CollectionCard } from "./collection";
import { FetchForm } from "./fetch-site";
import { Lanes } from "./lanes";
import { ProposeForm } from "./propose";
import { ReviewTags } from "./review";
import { StartForm } from "./start";
import { WatchedFolders } from "./watched-folders";

const COLUMNS =
  "grid grid-cols-[minmax(0,1fr)] items-start gap-5 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)]";

/** The view for administrators of the server. */
export default function AdminView() {
  const adminKey = useSession((session) => session.adminKey);
  const enterKey = () => openKeys("adminKey");
  return (
    <div className="scroll-slim relative h-full overflow-y-auto">
      <div className="mx-auto flex max-w-6xl flex-col gap-5 p-5 max-sm:p-3">
        <div className="flex items-center justify-between gap-3">
          <h1 className="text-lg font-semibold tracking-tight">Admin</h1>
          <Button size="small" onClick={enterKey}>
            <KeyRound />
            {adminKey === "" ? "Enter a key" : "Change the key"}
          </Button>
        </div>
        <Content adminKey={adminKey} onKey={enterKey} />
      </div>
    </div>
  );
}

function Content({ adminKey, onKey }: { adminKey: string; onKey: () => void }) {
  const [reviewing, setReviewing] = useState(false);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["collection", adminKey],
    queryFn: async () => body(await api.GET("/api/admin/collection")),
    refetchInterval: 10_000,
  });
  if (isPending) {
    return (
      <div aria-label="Loading" className="grid gap-5 lg:grid-cols-2">
        <Skeleton className="h-56" />
        <Skeleton className="h-56" />
      </div>
    );
  }
  if (data === undefined) {
    const key = needsKey(error) ? { onKey } : {};
    return <Failure error={error} onRetry={() => void refetch()} {...key} />;
  }
  if (reviewing) return <ReviewTags onBack={() => setReviewing(false)} />;
  return (
    <>
      <div className={COLUMNS}>
        <CollectionCard collection={data} />
        <Lanes />
      </div>
      <div className={COLUMNS}>
        <div className="flex flex-col gap-5">
          <AddFolderForm />
          <FetchForm />
          <WatchedFolders />
          <ProposeForm onReview={() => setReviewing(true)} />
          <StartForm />
        </div>
        <BulkJobs />
      </div>
      <ChangeForm />
      <RecentChanges />
    </>
  );
}

/** A followed job, with the counts of its parts from the list: events do not hold them. */
function withParts(view: JobView, listed: Job): JobView {
  const children = listed.children ?? view.job.children;
  return children == null ? view : { ...view, job: { ...view.job, children } };
}

const MOST_JOBS = 20;

function BulkJobs() {
  const { recorded = [] } = useRecorded();
  const views = useJobs((jobs) => jobs.views);
  const now = useNow();
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ["jobs", "bulk"],
    queryFn: async () => {
      const { jobs } = body(await api.GET("/api/jobs", { params: { query: { limit: 100 } } }));
      return jobs.filter(({ kind }) => kind !== "generate").slice(0, MOST_JOBS);
    },
    refetchInterval: ({ state }) => (state.data?.every(isOver) === false ? 1000 : 10_000),
  });
  useEffect(() => data?.forEach(followListed), [data]);
  return (
    <section aria-label="Bulk work" className="flex flex-col gap-3">
      <h2 className="font-semibold tracking-tight">Bulk work</h2>
      {isPending ? (
        <Skeleton className="h-24" />
      ) : data === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : data.length === 0 ? (
        <div className="rounded-lg border border-dashed border-line">
          <Empty title="No bulk work yet">
            Added folders, fetches, ingest, backfill and re-index appear here, with their progress.
          </Empty>
        </div>
      ) : (
        data.map((job) => (
          <BulkJob
            key={job.id}
            view={withParts(views[job.id] ?? viewOf(job), job)}
            change={recorded.find(({ change }) => change === job.id)}
            now={now}
          />
        ))
      )}
    </section>
  );
}
