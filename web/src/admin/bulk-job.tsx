import { Ban, RotateCcw } from "lucide-react";
import { useState } from "react";

import { StateName } from "@/jobs/card";
import { cancelJob, failedLines, retryJob } from "@/jobs/store";
import { fractionOf, isOver, mayRetry, type JobView } from "@/jobs/view";
import { ago, count, plural, took } from "@/lib/format";
import { fields, number } from "@/lib/json";
import { Button } from "@/ui/button";
import { Notice, ProgressBar } from "@/ui/states";

/** One job of bulk work: how far it is, what came of it, and the lines that failed. */
export function BulkJob({ view: { job, connection }, now }: { view: JobView; now: number }) {
  const [fault, setFault] = useState<unknown>(null);
  const over = isOver(job);
  const { progress, children } = job;
  const lines = failedLines(job);
  const failedParts = children !== null && children !== undefined ? children.failed + children.cancelled : 0;
  return (
    <article aria-label={`${job.kind}, ${job.state}`} data-job={job.id} data-state={job.state} data-kind={job.kind} className="flex flex-col gap-2.5 rounded-lg border bg-panel p-4 text-[0.8125rem]">
      <div className="flex items-center gap-3">
        <h3 className="text-sm font-medium capitalize">{job.kind}</h3>
        <StateName state={job.state} />
        <span className="min-w-0 flex-1 truncate text-soft">{[over ? took(job.started_at, job.finished_at) : null, ago(job.created_at, now)].filter(Boolean).join(" · ")}</span>
        {connection === "lost" && !over && <span className="text-xs text-amber">connecting again…</span>}
        {!over && <Button size="tiny" look="danger" onClick={() => cancelJob(job.id).then(() => setFault(null), setFault)}><Ban />Cancel</Button>}
        {(mayRetry(job) || (over && failedParts > 0)) && <Button size="tiny" onClick={() => retryJob(job.id, false).then(() => setFault(null), setFault)}><RotateCcw />Retry</Button>}
      </div>
      {!over && (
        <>
          <ProgressBar fraction={fractionOf(job)} label={`Progress of ${job.kind}`} />
          <p className="tabular text-soft" role="status">
            {progress.total ? `${count(progress.done)} of ${count(progress.total)} ${progress.unit}` : progress.message || (job.state === "waiting" ? "Waiting for its parts" : job.state === "queued" ? "Waiting for a worker" : "Starting")}
            {progress.stage !== "" && progress.total ? ` · ${progress.stage}` : ""}
            {children ? ` · ${count(children.succeeded)} of ${plural(children.total, "part")}` : ""}
          </p>
        </>
      )}
      {fault !== null && <Notice error={fault} />}
      {job.error && <p className={job.state === "failed" ? "text-ruby" : "text-amber"}>{job.error.message}</p>}
      <Totals result={job.result} />
      {lines.length > 0 && (
        <details>
          <summary className="text-ruby">{plural(lines.length, "line")} not done</summary>
          <div className="scroll-slim mt-2 max-h-64 overflow-auto">
            <table className="w-full text-left text-xs">
              <thead className="text-soft"><tr><th className="pr-4 pb-1 font-normal">Line</th><th className="pr-4 pb-1 font-normal">Id</th><th className="pb-1 font-normal">Reason</th></tr></thead>
              <tbody>
                {lines.map((line, index) => (
                  <tr key={index} className="border-t align-top"><td className="tabular py-1 pr-4">{line.line ?? ""}</td><td className="tabular py-1 pr-4">{line.id ?? ""}</td><td className="py-1">{line.reason || line.outcome}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </article>
  );
}

const TOTALS = ["lines", "embedded", "unchanged", "duplicates", "skipped", "failed"] as const;

/** The account: how many lines, and what became of them. */
function Totals({ result }: { result: unknown }) {
  const totals = fields(fields(result)["totals"]);
  const shown = TOTALS.flatMap((name) => {
    const value = number(totals[name]);
    return value === null || (value === 0 && name !== "lines") ? [] : [{ name, value }];
  });
  if (shown.length === 0) return null;
  return (
    <dl className="tabular flex flex-wrap gap-x-5 gap-y-1">
      {shown.map(({ name, value }) => (
        <div key={name} className="flex gap-1.5"><dt className="text-soft">{name}</dt><dd className={name === "failed" ? "text-ruby" : ""}>{count(value)}</dd></div>
      ))}
    </dl>
  );
}
