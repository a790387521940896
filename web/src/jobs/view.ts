/** The state of a followed job, and how events change it. */

import type { Job, JobState } from "@/api/client";
import { fields, number, text, type Fields } from "@/lib/json";

export type Connection = "connecting" | "live" | "lost";

export interface JobView {
  job: Job;
  /** The newest preview of each picture, as data URLs. */
  previews: Readonly<Record<number, string>>;
  log: readonly string[];
  /** Where to continue after a lost connection or a reload. */
  lastEvent: string | null;
  connection: Connection;
}

/** An event of a stream. The document does not describe its data, so every field is checked. */
export interface JobEvent {
  name: string;
  id: string;
  data: unknown;
}

const LONGEST_LOG = 200;

/** The states, and whether a job in them is over. */
const STATES: Record<JobState, { over: boolean; retryable: boolean }> = {
  queued: { over: false, retryable: false },
  running: { over: false, retryable: false },
  waiting: { over: false, retryable: false },
  succeeded: { over: true, retryable: false },
  failed: { over: true, retryable: true },
  cancelled: { over: true, retryable: true },
};

function stateOf(value: unknown): JobState | null {
  return typeof value === "string" && value in STATES ? (value as JobState) : null;
}

export function isOver({ state }: Pick<Job, "state">): boolean {
  return STATES[state].over;
}

/** Whether the job can be started again: it failed or was cancelled. */
export function isRetryable({ state }: Pick<Job, "state">): boolean {
  return STATES[state].retryable;
}

/** The progress, 0..1, or null while it is unknown. */
export function fractionOf({ progress, state }: Pick<Job, "progress" | "state">): number | null {
  if (state === "succeeded") return 1;
  const total = progress.total ?? 0;
  return total > 0 ? Math.min(1, progress.done / total) : null;
}

export function viewOf(job: Job): JobView {
  return { job, previews: {}, log: [], lastEvent: null, connection: "connecting" };
}

/** The job of a snapshot, or null if it holds none. */
function jobOf(data: Fields): Job | null {
  if (text(data["id"]) === null || stateOf(data["state"]) === null) return null;
  return data as unknown as Job;
}

export function applyEvent(view: JobView, event: JobEvent): JobView {
  const next: JobView = { ...view, lastEvent: event.id || view.lastEvent, connection: "live" };
  const data = fields(event.data);
  switch (event.name) {
    case "snapshot": {
      const job = jobOf(data);
      return withPreview(job === null ? next : { ...next, job }, fields(data["preview"]));
    }
    case "state":
      return withState(next, data);
    case "progress":
      return isOver(view.job) ? next : withProgress(next, data);
    case "preview":
      return withPreview(next, data);
    case "log": {
      const line = text(data["message"]) ?? text(data["line"]);
      return line === null ? next : { ...next, log: [...next.log, line].slice(-LONGEST_LOG) };
    }
    default:
      return next;
  }
}

function withState(view: JobView, data: Fields): JobView {
  const { job } = view;
  const state = stateOf(data["state"]);
  // Replayed events are older than a job that is over, unless they say that it starts again.
  if (state === null || (isOver(job) && state !== "queued")) return view;
  const restarts = state === "queued" && job.state !== "queued";
  const attempt = number(data["attempt"]) ?? job.attempt;
  return {
    ...view,
    job: { ...job, state, attempt, position: null },
    previews: restarts ? {} : view.previews,
  };
}

function withProgress(view: JobView, data: Fields): JobView {
  const { job } = view;
  const progress = {
    done: number(data["done"]) ?? job.progress.done,
    total: number(data["total"]),
    unit: text(data["unit"]) ?? job.progress.unit,
    stage: text(data["stage"]) ?? "",
    message: text(data["message"]) ?? "",
  };
  return { ...view, job: { ...job, progress } };
}

function withPreview(view: JobView, preview: Fields): JobView {
  const image = text(preview["image"]);
  if (image === null || !image.startsWith("data:image/")) return view;
  const index = number(preview["index"]) ?? 0;
  return { ...view, previews: { ...view.previews, [index]: image } };
}
