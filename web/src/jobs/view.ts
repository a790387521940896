/** What is known of a job that is watched, and how its events change that. */

import type { Job } from "@/api/client";
import { fields, number, text, type Fields } from "@/lib/json";

export type JobState = "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled";
export type Connection = "connecting" | "live" | "lost";

export interface JobView {
  job: Job;
  /** The newest preview of each picture, as data URLs. */
  previews: Readonly<Record<number, string>>;
  log: readonly string[];
  /** Where to go on after a lost connection or a reload. */
  lastEvent: string | null;
  connection: Connection;
}

export interface JobEvent {
  name: string;
  id: string;
  data: unknown;
}

const LONGEST_LOG = 200;

export function isOver(job: Pick<Job, "state">): boolean {
  return job.state === "succeeded" || job.state === "failed" || job.state === "cancelled";
}

/** A job can be tried again when it ended without all that was asked for. */
export function mayRetry(job: Pick<Job, "state">): boolean {
  return job.state === "failed" || job.state === "cancelled";
}

/** 0..1, or null while nobody knows. */
export function fractionOf({ progress, state }: Pick<Job, "progress" | "state">): number | null {
  if (state === "succeeded") return 1;
  const total = progress.total ?? 0;
  return total > 0 ? Math.min(1, progress.done / total) : null;
}

export function viewOf(job: Job): JobView {
  return { job, previews: {}, log: [], lastEvent: null, connection: "connecting" };
}

/** A job as a snapshot holds it, or null when it is none. */
export function jobOf(data: unknown): Job | null {
  const given = fields(data);
  if (text(given["id"]) === null || text(given["state"]) === null) return null;
  return given as unknown as Job;
}

export function applied(view: JobView, event: JobEvent): JobView {
  const next: JobView = { ...view, lastEvent: event.id || view.lastEvent, connection: "live" };
  const data = fields(event.data);
  switch (event.name) {
    case "snapshot": {
      const job = jobOf(data);
      return withPreview(job === null ? next : { ...next, job }, fields(data["preview"]));
    }
    case "state": {
      const state = text(data["state"]);
      // What is replayed from before the job ended is news of yesterday, but for a job that begins again.
      if (state === null || (isOver(view.job) && state !== "queued")) return next;
      const again = state === "queued" && view.job.state !== "queued";
      return { ...next, job: { ...next.job, state, attempt: number(data["attempt"]) ?? next.job.attempt, position: null }, previews: again ? {} : next.previews };
    }
    case "progress": {
      if (isOver(view.job)) return next;
      const { progress } = next.job;
      return {
        ...next,
        job: {
          ...next.job,
          progress: {
            done: number(data["done"]) ?? progress.done,
            total: number(data["total"]),
            unit: text(data["unit"]) ?? progress.unit,
            stage: text(data["stage"]) ?? "",
            message: text(data["message"]) ?? "",
          },
        },
      };
    }
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

function withPreview(view: JobView, preview: Fields): JobView {
  const image = text(preview["image"]);
  if (image === null || !image.startsWith("data:image/")) return view;
  return { ...view, previews: { ...view.previews, [number(preview["index"]) ?? 0]: image } };
}
