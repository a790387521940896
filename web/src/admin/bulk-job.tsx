import { useState } from "react";

import type { Job, Schemas } from "@/api/client";
import { JobButtons } from "@/jobs/buttons";
import { nameOf } from "@/jobs/names";
import { bulkResultOf, plainly } from "@/jobs/results";
import { StateName } from "@/jobs/state-name";
import { fractionOf, isOver, isRetryable, type JobView } from "@/jobs/view";
import { ago, count, outOf, plural, progressOf, took } from "@/lib/format";
import { Notice, ProgressBar } from "@/ui/states";

import { UndoButton } from "./changes";
import type { Recorded } from "./journal";

interface BulkJobProps {
  view: JobView;
  /** The change of many pictures that the job makes, if it does and the journal has it. */
  change: Recorded | undefined;
  now: number;
}

/** One job of bulk work: its progress, its totals, and the lines that failed. */
export function BulkJob({ view: { job, connection }, change, now }: BulkJobProps) {
  const [failure, setFailure] = useState<unknown>(null);
  const { kind, state, children, error } = job;
  const name = nameOf(job, change?.action);
  const over = isOver(job);
  const failedParts = (children?.failed ?? 0) + (children?.cancelled ?? 0);
  const result = bulkResultOf(job);
  const times = [over ? took(job.started_at, job.finished_at) : null, ago(job.created_at, now)];
  return (
    <article
      aria-label={`${name}, ${state}`}
      data-job={job.id}
      data-state={state}
      data-kind={kind}
      className="flex flex-col gap-2.5 rounded-lg border bg-panel p-4 text-[0.8125rem]"
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <h3 className="text-sm font-medium">{name}</h3>
        <StateName job={job} />
        <span className="min-w-0 flex-1 truncate text-soft">
          {times.filter(Boolean).join(" · ")}
        </span>
        {connection === "lost" && !over && (
          <span className="text-xs text-amber">reconnecting…</span>
        )}
        <JobButtons
          job={job}
          retryable={isRetryable(job) || (over && failedParts > 0)}
          remember={false}
          onFailure={setFailure}
        />
      </div>
      {!over && <Progress job={job} name={name} />}
      {failure !== null && <Notice error={failure} />}
      {error && (
        <p className={state === "failed" ? "text-ruby" : "text-amber"}>{plainly(error.message)}</p>
      )}
      {result?.scan != null && <Scan scan={result.scan} />}
      {result?.fetch != null && <Fetched report={result.fetch} />}
      {result?.changes != null ? (
        <Changed changes={result.changes} change={change} />
      ) : result?.tags != null ? (
        <Tags tags={result.tags} />
      ) : (
        result !== null &&
        // A job that only fetches reads no lines.
        (result.fetch == null || result.totals.lines > 0) && (
          <Totals totals={result.totals} wanted={result.would_embed ?? 0} />
        )
      )}
      {result !== null && result.failures.length > 0 && <FailedLines lines={result.failures} />}
    </article>
  );
}

function Progress({ job, name }: { job: Job; name: string }) {
  const { progress, children } = job;
  const parts = [
    progressLine(job),
    ...(progress.stage !== "" && progress.total ? [progress.stage] : []),
    ...(children ? [outOf(children.succeeded, children.total, "part")] : []),
  ];
  return (
    <>
      <ProgressBar fraction={fractionOf(job)} label={`Progress of ${name}`} />
      <p className="tabular text-soft" role="status">
        {parts.join(" · ")}
      </p>
    </>
  );
}

function progressLine({ state, progress: { done, total, unit, message } }: Job): string {
  if (total) return progressOf(done, total, unit);
  if (message !== "") return message;
  if (state === "waiting") return "Waiting for its parts";
  return state === "queued" ? "Waiting for a worker" : "Starting";
}

interface ChangedProps {
  changes: Schemas["ChangesReport"];
  change: Recorded | undefined;
}

/** What a change of many pictures did, with *Undo*. */
function Changed({ changes: { changed }, change }: ChangedProps) {
  return (
    <div className="flex items-center justify-between gap-3">
      <p className="tabular min-w-0 text-soft">
        {change?.what ?? `${plural(changed, "picture")} changed`}
        {change?.where != null && ` (${change.where})`}
      </p>
      {change !== undefined && <UndoButton change={change} />}
    </div>
  );
}

const TOTALS = ["lines", "embedded", "unchanged", "duplicates", "skipped", "failed"] as const;

interface TotalsProps {
  totals: Schemas["TotalsResponse"];
  /** Lines that a dry run would embed. They are counted as skipped. */
  wanted: number;
}

/** The number of lines per outcome. */
function Totals({ totals, wanted }: TotalsProps) {
  const numbers = TOTALS.map((name) => {
    return [name, name === "skipped" ? totals.skipped - wanted : totals[name]] as const;
  });
  const shown = [...numbers, ["would be embedded", wanted] as const].filter(
    ([name, value]) => value > 0 || name === "lines",
  );
  return (
    <dl className="tabular flex flex-wrap gap-x-5 gap-y-1">
      {shown.map(([name, value]) => (
        <div key={name} className="flex gap-1.5">
          <dt className="text-soft">{name}</dt>
          <dd className={name === "failed" ? "text-ruby" : ""}>{count(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What a job fetched, and where it is. */
function Fetched({ report }: { report: Schemas["FetchReport"] }) {
  const parts = [
    `${plural(report.fetched + report.kept, "picture")} in ${report.folder}`,
    ...(report.skipped > 0 ? [`${plural(report.skipped, "post")} without a picture`] : []),
    ...(report.failed > 0 ? [`${count(report.failed)} failed`] : []),
    ...(report.tags_without_posts.length > 0
      ? [`no posts for ${report.tags_without_posts.slice(0, 5).join(", ")}`]
      : []),
  ];
  return <p className="tabular text-soft">{parts.join(" · ")}</p>;
}

const TAGS = [
  ["pictures", "pictures"],
  ["with proposals", "proposed_pictures"],
  ["proposed tags", "proposed"],
  ["accepted", "accepted"],
] as const;

/** Shows what a job proposed. */
function Tags({ tags }: { tags: Schemas["TagsReport"] }) {
  const shown = TAGS.filter(([name, field]) => tags[field] > 0 || name !== "accepted");
  return (
    <dl className="tabular flex flex-wrap gap-x-5 gap-y-1" aria-label="Proposed tags">
      {shown.map(([name, field]) => (
        <div key={name} className="flex gap-1.5">
          <dt className="text-soft">{name}</dt>
          <dd>{count(tags[field])}</dd>
        </div>
      ))}
    </dl>
  );
}

const SCANNED = ["files", "new", "changed", "unchanged", "duplicates", "moved", "missing"] as const;

/** Shows the scan of the added folders. */
function Scan({ scan }: { scan: Schemas["ScanResponse"] }) {
  const others = Object.values(scan.not_pictures).reduce((sum, some) => sum + some, 0);
  const numbers = SCANNED.map((name) => [name, scan[name]] as const);
  const shown = [...numbers, ["not pictures", others] as const].filter(
    ([name, value]) => value > 0 || name === "files",
  );
  return (
    <dl className="tabular flex flex-wrap gap-x-5 gap-y-1" aria-label="Files that were found">
      {shown.map(([name, value]) => (
        <div key={name} className="flex gap-1.5">
          <dt className="text-soft">{name}</dt>
          <dd>{count(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function FailedLines({ lines }: { lines: readonly Schemas["FailedLine"][] }) {
  return (
    <details>
      <summary className="text-ruby">{plural(lines.length, "failed line")}</summary>
      <div className="scroll-slim mt-2 max-h-64 overflow-auto">
        <table className="w-full text-left text-xs">
          <thead className="text-soft [&_th]:pr-4 [&_th]:pb-1 [&_th]:font-normal">
            <tr>
              <th>Line</th>
              <th>Id</th>
              <th>Reason</th>
            </tr>
          </thead>
          <tbody className="[&_td]:py-1 [&_td]:pr-4">
            {lines.map((failed) => (
              <tr key={failed.line} className="border-t align-top">
                <td className="tabular">{failed.line}</td>
                <td className="tabular">{idText(failed.id)}</td>
                <td>{plainly(failed.reason)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** A number or a UUID; null for a line without an id. */
function idText(id: unknown): string {
  return typeof id === "number" || typeof id === "string" ? String(id) : "";
}
