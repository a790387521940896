/** The jobs that this page follows. The list, and how far events were read, survive a reload. */

import { create } from "zustand";

import { api, body, type Job } from "@/api/client";
import { isNotFound, Problem } from "@/api/problem";
import { refreshGallery } from "@/api/queries";
import { queryClient } from "@/api/query-client";
import { addressWithTicket, renewTicket } from "@/api/tickets";
import { parsed, text, texts } from "@/lib/json";
import { shared, tabOnly } from "@/lib/tab-storage";

import { JobStream } from "./stream";
import { applyEvent, isOver, viewOf, type JobView } from "./view";

interface Jobs {
  views: Readonly<Record<string, JobView>>;
  /** The jobs that were started in this browser, the newest first. */
  recent: readonly string[];
  /** Follows a job, and lists it among the recent ones if it is to be remembered. */
  watch: (job: Job, remember: boolean) => void;
  restore: () => Promise<void>;
  forget: (id: string) => void;
}

const RECENT = "clippy.jobs";
const LAST_EVENT = "clippy.events";
const MOST_RECENT = 12;

export const useJobs = create<Jobs>()((set) => ({
  views: {},
  recent: [],
  watch: (job, remember) => {
    if (remember) {
      const front = (recent: string[]) => [job.id, ...recent.filter((id) => id !== job.id)];
      set({ recent: changeRecent(front) });
    }
    follow(job);
  },
  restore: async () => {
    // Jobs that another tab starts are shown here, too.
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
    if (fresh) await renewTicket();
    return addressWithTicket(path);
  },
  onEvent: (id, event) => update(id, (view) => applyEvent(view, event)),
  onConnection: (connection) => {
    for (const id of Object.keys(useJobs.getState().views)) {
      if (stream.has(id)) update(id, (view) => ({ ...view, connection }));
    }
  },
  onDone: (id) => void refresh(id),
  onRefused: async (ids) => {
    await Promise.all(ids.map(leaveIfOver));
  },
  readPlace: () => text(tabOnly.get(LAST_EVENT)),
  writePlace: (id) => tabOnly.set(LAST_EVENT, id),
});

function update(id: string, change: (view: JobView) => JobView): void {
  useJobs.setState(({ views }) => {
    const view = views[id];
    return view === undefined ? {} : { views: { ...views, [id]: change(view) } };
  });
}

function follow(job: Job): void {
  const over = isOver(job);
  useJobs.setState(({ views }) => {
    const known = views[job.id];
    const view = known !== undefined && !isOver(known.job) ? { ...known, job } : viewOf(job);
    return { views: { ...views, [job.id]: { ...view, connection: over ? "live" : "connecting" } } };
  });
  if (!over) stream.follow(job.id);
}

/** Shows the recent jobs of this browser, those of other tabs included. */
export async function showRecent(): Promise<void> {
  const recent = readRecent();
  useJobs.setState({ recent });
  await showJobs(recent, (id) => useJobs.getState().forget(id));
}

/** Shows jobs by their ids, those that are not shown yet. Reports those that do not exist. */
export async function showJobs(
  ids: readonly string[],
  onGone: (id: string) => void,
): Promise<void> {
  const unknown = ids.filter((id) => useJobs.getState().views[id] === undefined);
  await Promise.all(
    unknown.map(async (id) => {
      try {
        const job = await findJob(id);
        if (job === null) onGone(id);
        else follow(job);
      } catch {
        // The server is unavailable or needs a key: the page says so elsewhere, and tries again.
      }
    }),
  );
}

/** Stops following a job that is over or gone. */
async function leaveIfOver(id: string): Promise<void> {
  const job = await findJob(id);
  if (job !== null && !isOver(job)) return;
  stream.leave(id);
  if (job !== null) update(id, (view) => ({ ...view, job, connection: "live" }));
}

/** The job, or null if the server does not have it (any more). */
async function findJob(id: string): Promise<Job | null> {
  try {
    return await fetchJob(id);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

const REFRESH_ATTEMPTS = 5;

/**
 * Fetches a job that is over: no event holds its result and receipt. If it was started again
 * meanwhile, it is followed further.
 */
async function refresh(id: string): Promise<void> {
  for (let attempt = 0; attempt < REFRESH_ATTEMPTS; attempt += 1) {
    try {
      const job = await fetchJob(id);
      update(id, (view) => ({ ...view, job, connection: "live" }));
      if (!isOver(job)) follow(job);
      else if (job.kind !== "generate") refreshGallery();
      refreshLists();
      return;
    } catch (error) {
      if (isNotFound(error)) useJobs.getState().forget(id);
      if (error instanceof Problem && error.status < 500) return;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
    }
  }
}

/** Repeats the queries that list jobs. */
export function refreshLists(): void {
  void queryClient.invalidateQueries({ queryKey: ["jobs"] });
}

async function fetchJob(id: string): Promise<Job> {
  return body(await api.GET("/api/jobs/{id}", { params: { path: { id } } }));
}

export async function cancelJob(id: string): Promise<void> {
  const job = body(await api.POST("/api/jobs/{id}/cancel", { params: { path: { id } } }));
  update(id, (view) => ({ ...view, job }));
  refreshLists();
}

export async function retryJob(id: string, remember: boolean): Promise<void> {
  const job = body(await api.POST("/api/jobs/{id}/retry", { params: { path: { id } } }));
  useJobs.getState().watch(job, remember);
  refreshLists();
}

/** Follows a job until it is over. Returns it with its result. */
export async function ended(job: Job): Promise<Job> {
  follow(job);
  await new Promise<void>((resolve) => {
    const check = () => {
      const view = useJobs.getState().views[job.id];
      if (view === undefined || !isOver(view.job)) return;
      stop();
      resolve();
    };
    const stop = useJobs.subscribe(check);
    check();
  });
  return fetchJob(job.id);
}

/** Follows a job of a list, unless it is followed already or over. */
export function followListed(job: Job): void {
  if (!isOver(job) && !stream.has(job.id)) follow(job);
}

function readRecent(): string[] {
  return texts(parsed(shared.get(RECENT) ?? "null"));
}

/** Changes the list as it is now: another tab may have written it since it was read here. */
function changeRecent(change: (recent: string[]) => string[]): string[] {
  const recent = change(readRecent()).slice(0, MOST_RECENT);
  shared.set(RECENT, JSON.stringify(recent));
  return recent;
}
