/** The jobs that this page watches. Which they are, and how far they were read, survives a reload. */

import { create } from "zustand";

import { api, body, type Job } from "@/api/client";
import { Problem } from "@/api/problem";
import { queryClient } from "@/api/query-client";
import { renewed, ticketed } from "@/api/tickets";
import { withParameter } from "@/lib/address";
import { fields, parsed, text } from "@/lib/json";
import { shared, tabOnly } from "@/lib/tab-storage";

import { JobStream } from "./stream";
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
const PLACE = "clippy.events";
const MOST_RECENT = 12;

export const useJobs = create<Watched>()((set) => ({
  views: {},
  recent: [],
  watch: (job, remember) => {
    if (remember) set({ recent: changeRecent((recent) => [job.id, ...recent.filter((id) => id !== job.id)]) });
    start(job);
  },
  restore: async () => {
    // Jobs that another tab starts are shown here, too, and none of the two lists replaces the other.
    shared.watch(RECENT, () => void showRecent());
    await showRecent();
  },
  forget: (id) => {
    stream.leave(id);
    set({ recent: changeRecent((recent) => recent.filter((known) => known !== id)) });
  },
}));

const stream = new JobStream({
  addressOf: async (path, fresh) => {
    if (fresh) await renewed();
    return ticketed(path);
  },
  onEvent: (id, event) => put(id, (view) => applied(view, event)),
  onConnection: (connection) =>
    useJobs.setState(({ views }) => ({
      views: Object.fromEntries(Object.entries(views).map(([id, view]) => [id, stream.has(id) ? { ...view, connection } : view])),
    })),
  onDone: (id) => void refresh(id),
  onRefused: async (ids) => {
    await Promise.all(
      ids.map(async (id) => {
        const job = await existing(id);
        if (job !== null && !isOver(job)) return;
        stream.leave(id);
        if (job !== null) put(id, (view) => ({ ...view, job, connection: "live" }));
      }),
    );
  },
  readPlace: () => text(tabOnly.get(PLACE)),
  writePlace: (id) => tabOnly.set(PLACE, id),
});

function put(id: string, change: (view: JobView) => JobView): void {
  useJobs.setState(({ views }) => {
    const view = views[id];
    return view === undefined ? {} : { views: { ...views, [id]: change(view) } };
  });
}

function start(job: Job): void {
  useJobs.setState(({ views }) => {
    const known = views[job.id];
    const view = known !== undefined && !isOver(known.job) ? { ...known, job } : viewOf(job);
    return { views: { ...views, [job.id]: { ...view, connection: isOver(job) ? "live" : "connecting" } } };
  });
  if (!isOver(job)) stream.follow(job.id);
}

/** Shows the jobs of this browser, those of other tabs included. */
export async function showRecent(): Promise<void> {
  const recent = readRecent();
  useJobs.setState({ recent });
  const unknown = recent.filter((id) => useJobs.getState().views[id] === undefined);
  await Promise.all(
    unknown.map(async (id) => {
      try {
        const job = await existing(id);
        if (job === null) useJobs.getState().forget(id);
        else start(job);
      } catch {
        // The server is away, or wants a key: the page says so elsewhere, and asks again.
      }
    }),
  );
}

/** The job, or null where the server knows none (any more). */
async function existing(id: string): Promise<Job | null> {
  try {
    return await fetchJob(id);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** The end of a job brings its result and receipt, which no event holds; a job that was begun again meanwhile goes on. */
async function refresh(id: string): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const job = await fetchJob(id);
      put(id, (view) => ({ ...view, job, connection: "live" }));
      if (!isOver(job)) start(job);
      void queryClient.invalidateQueries({ queryKey: ["jobs"] });
      return;
    } catch (error) {
      if (error instanceof Problem && error.status === 404) useJobs.getState().forget(id);
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
  else start(job);
  void queryClient.invalidateQueries({ queryKey: ["jobs"] });
  return job;
}

/** Follows a job that a list shows, unless it is followed or over. */
export function followListed(job: Job): void {
  if (!isOver(job) && !stream.has(job.id)) start(job);
}

function readRecent(): string[] {
  const kept = parsed(shared.get(RECENT) ?? "null");
  return Array.isArray(kept) ? kept.filter((id): id is string => typeof id === "string") : [];
}

/** Changes the list as it is now, whichever tab wrote it last. */
function changeRecent(change: (recent: string[]) => string[]): string[] {
  const recent = change(readRecent()).slice(0, MOST_RECENT);
  shared.set(RECENT, JSON.stringify(recent));
  return recent;
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
    const { url, width, height, seed, sha256 } = fields(image);
    if (typeof url !== "string" || !/^\/(?!\/)(?:[^?#]*\/)?api\/jobs\//.test(url)) return [];
    const known = typeof seed === "number" || typeof seed === "string" ? String(seed) : null;
    const version = text(sha256)?.slice(0, 16);
    return [{ index: place, url: version === undefined ? url : withParameter(url, "v", version), width: Number(width) || 0, height: Number(height) || 0, seed: known }];
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
