/** The jobs that this page watches. Which they are, and how far each was read, survives a reload. */

import { create } from "zustand";

import { api, body, type Job } from "@/api/client";
import { Problem } from "@/api/problem";
import { queryClient } from "@/api/query-client";
import { fields, parsed, text } from "@/lib/json";

import { follow } from "./follow";
import { applied, isOver, viewOf, type JobView } from "./view";

interface Watched {
  views: Readonly<Record<string, JobView>>;
  /** Shown on the page where they were started, the newest first. */
  recent: readonly string[];
  watch: (job: Job, remember: boolean) => void;
  restore: () => Promise<void>;
  forget: (id: string) => void;
}

const RECENT = "clippy.jobs";
const MOST_RECENT = 12;
const stops = new Map<string, () => void>();

export const useJobs = create<Watched>()((set, read) => ({
  views: {},
  recent: [],
  watch: (job, remember) => {
    if (remember) {
      set((state) => ({ recent: [job.id, ...state.recent.filter((id) => id !== job.id)].slice(0, MOST_RECENT) }));
      writeRecent(read().recent);
    }
    start(job, readPlace(job.id));
  },
  restore: async () => {
    const recent = readRecent();
    set({ recent });
    await Promise.all(
      recent.map(async (id) => {
        try {
          start(await fetchJob(id), readPlace(id));
        } catch (error) {
          if (error instanceof Problem && error.status === 404) read().forget(id);
        }
      }),
    );
  },
  forget: (id) => {
    stops.get(id)?.();
    stops.delete(id);
    sessionStorage.removeItem(placeKey(id));
    set((state) => ({ recent: state.recent.filter((known) => known !== id) }));
    writeRecent(read().recent);
  },
}));

function put(id: string, change: (view: JobView) => JobView): void {
  useJobs.setState(({ views }) => {
    const view = views[id];
    return view === undefined ? {} : { views: { ...views, [id]: change(view) } };
  });
}

function start(job: Job, after: string | null): void {
  stops.get(job.id)?.();
  stops.delete(job.id);
  useJobs.setState(({ views }) => {
    const known = views[job.id];
    const view = known !== undefined && !isOver(known.job) ? { ...known, job } : viewOf(job);
    return { views: { ...views, [job.id]: { ...view, connection: isOver(job) ? "live" : "connecting" } } };
  });
  if (isOver(job)) return;
  const stop = follow(job.id, after, {
    onEvent: (event) => {
      put(job.id, (view) => applied(view, event));
      sessionStorage.setItem(placeKey(job.id), event.id);
    },
    onConnection: (connection) => put(job.id, (view) => ({ ...view, connection })),
    onDone: () => {
      stops.delete(job.id);
      void refresh(job.id);
    },
  });
  stops.set(job.id, stop);
}

/** The end of a job brings its result and receipt, which no event holds; a job that was begun again meanwhile goes on. */
async function refresh(id: string): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const job = await fetchJob(id);
      put(id, (view) => ({ ...view, job, connection: "live" }));
      if (!isOver(job)) start(job, readPlace(id));
      void queryClient.invalidateQueries({ queryKey: ["jobs"] });
      return;
    } catch (error) {
      if (error instanceof Problem && error.status < 500) return;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
    }
  }
}

export async function fetchJob(id: string): Promise<Job> {
  return body(await api.GET("/api/jobs/{id}", { params: { path: { id } } }));
}

export async function cancelJob(id: string): Promise<void> {
  const job = body(await api.POST("/api/jobs/{id}/cancel", { params: { path: { id } } }));
  put(id, (view) => ({ ...view, job }));
  void queryClient.invalidateQueries({ queryKey: ["jobs"] });
}

export async function retryJob(id: string, remember: boolean): Promise<Job> {
  const job = body(await api.POST("/api/jobs/{id}/retry", { params: { path: { id } } }));
  if (remember) useJobs.getState().watch(job, true);
  else start(job, readPlace(id));
  void queryClient.invalidateQueries({ queryKey: ["jobs"] });
  return job;
}

/** Follows a job that a list shows, unless it is followed or over. */
export function followListed(job: Job): void {
  if (!isOver(job) && !stops.has(job.id)) start(job, readPlace(job.id));
}

const placeKey = (id: string) => `clippy.place.${id}`;

function readPlace(id: string): string | null {
  return text(sessionStorage.getItem(placeKey(id)));
}

function readRecent(): string[] {
  const kept = parsed(localStorage.getItem(RECENT) ?? "null");
  return Array.isArray(kept) ? kept.filter((id): id is string => typeof id === "string") : [];
}

function writeRecent(recent: readonly string[]): void {
  localStorage.setItem(RECENT, JSON.stringify(recent));
}

/** A picture that a job made. */
export interface MadePicture {
  index: number;
  url: string;
  width: number;
  height: number;
  seed: string | null;
}

export function picturesOf(job: Job): MadePicture[] {
  const images = fields(job.result)["images"];
  if (!Array.isArray(images)) return [];
  return images.flatMap((image: unknown, place): MadePicture[] => {
    const { url, width, height, seed } = fields(image);
    if (typeof url !== "string" || !url.startsWith("/api/jobs/")) return [];
    const known = typeof seed === "number" || typeof seed === "string" ? String(seed) : null;
    return [{ index: place, url, width: Number(width) || 0, height: Number(height) || 0, seed: known }];
  });
}

/** The words that were really sent, once they are known. */
export function promptOf(job: Job): string | null {
  return text(fields(fields(job.result)["meta"])["constructed_prompt"]);
}

/** A line of a manifest that was not done. */
export interface FailedLine {
  line: number | null;
  id: string | null;
  outcome: string;
  reason: string;
}

export function failedLines(job: Job): FailedLine[] {
  const failures = fields(job.result)["failures"];
  if (!Array.isArray(failures)) return [];
  return failures.map((failure: unknown) => {
    const { line, id, outcome, reason } = fields(failure);
    return {
      line: typeof line === "number" ? line : null,
      id: typeof id === "number" || typeof id === "string" ? String(id) : null,
      outcome: text(outcome) ?? "failed",
      reason: text(reason) ?? "",
    };
  });
}
