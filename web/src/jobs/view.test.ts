import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Job } from "@/api/client";

import { bulkResultOf, generationOf, picturesOf, promptOf } from "./results";
import { JobStream, MOST_FOLLOWED, pauseBefore, type Listener } from "./stream";
import {
  applyEvent,
  fractionOf,
  isOver,
  isRetryable,
  viewOf,
  type JobEvent,
  type JobView,
} from "./view";

function job(part: Partial<Job> = {}): Job {
  return {
    id: "j",
    kind: "generate",
    lane: "interactive",
    state: "queued",
    attempt: 0,
    max_attempts: 3,
    progress: { done: 0, total: null, unit: "", stage: "", message: "" },
    created_at: "2026-01-01T00:00:00Z",
    started_at: null,
    finished_at: null,
    ...part,
  };
}

const event = (name: string, data: unknown, id = "1-0"): JobEvent => ({ name, data, id });
const after = (view: JobView, ...events: JobEvent[]) => events.reduce(applyEvent, view);
const STATES = ["queued", "running", "waiting", "succeeded", "failed", "cancelled"] as const;
const IMAGE = "data:image/jpeg;base64,aaaa";

describe("a followed job", () => {
  it("follows its events", () => {
    const view = after(
      viewOf(job()),
      event("snapshot", job({ state: "running", attempt: 1 }), "0-0"),
      event(
        "progress",
        {
          done: 40,
          total: 1000,
          unit: "steps",
          stage: "painting",
          message: "painting picture 1 of 2",
        },
        "3-0",
      ),
      event("preview", { index: 1, image: IMAGE }, "4-0"),
      event("log", { message: "hello" }, "5-0"),
    );
    expect(view.job.state).toBe("running");
    expect(fractionOf(view.job)).toBeCloseTo(0.04);
    expect(view.previews).toEqual({ 1: IMAGE });
    expect(view.log).toEqual(["hello"]);
    expect(view.lastEvent).toBe("5-0");
    expect(view.connection).toBe("live");
  });

  it("shows the last preview of a snapshot, and ignores previews that are no pictures", () => {
    const view = after(
      viewOf(job()),
      event("snapshot", { ...job({ state: "running" }), preview: { index: 0, image: IMAGE } }),
      event("preview", { index: 1, image: "https://elsewhere" }),
    );
    expect(view.previews).toEqual({ 0: IMAGE });
  });

  it("ignores events that are older than its end", () => {
    const view = after(
      viewOf(job({ state: "succeeded" })),
      event("state", { state: "running", attempt: 1 }),
      event("progress", { done: 1, total: 2 }),
    );
    expect(view.job.state).toBe("succeeded");
    expect(fractionOf(view.job)).toBe(1);
  });

  it("can start again after its end", () => {
    const view = after(
      viewOf(job({ state: "failed" })),
      event("state", { state: "queued", attempt: 0 }),
      event("state", { state: "running", attempt: 1 }),
    );
    expect(view.job.state).toBe("running");
  });

  it("drops the previews of an attempt that is repeated", () => {
    const view = after(
      viewOf(job({ state: "running" })),
      event("preview", { index: 0, image: IMAGE }),
      event("state", { state: "queued", attempt: 1 }),
    );
    expect(view.previews).toEqual({});
  });

  it("ignores invalid events", () => {
    const view = viewOf(job());
    expect(
      after(
        view,
        event("snapshot", null),
        event("state", 7),
        event("progress", "x"),
        event("preview", []),
        event("news", {}),
      ).job.state,
    ).toBe("queued");
  });

  it("can be retried when it failed or was cancelled", () => {
    expect(STATES.filter((state) => isRetryable({ state }))).toEqual(["failed", "cancelled"]);
    expect(STATES.filter((state) => !isOver({ state }))).toEqual(["queued", "running", "waiting"]);
  });
});

/** A result as the document describes it. */
function generated(...urls: string[]): NonNullable<Job["result"]> {
  const images = urls.map((url, index) => ({
    index,
    url,
    sha256: "0123456789abcdef0123",
    size: 1,
    media_type: "image/png",
    width: 512,
    height: 256,
    seed: 7,
  }));
  const meta = { provider: "local", mode: "generate", constructed_prompt: "a cat", calls: 0 };
  return { images, model_used: "local", meta, lineage: {} };
}

const TOTALS = { lines: 2, embedded: 1, unchanged: 0, duplicates: 0, skipped: 0, failed: 1 };

describe("results", () => {
  it("of generations have versioned paths of this server, and no others", () => {
    const urls = ["/api/jobs/j/images/0", "https://elsewhere", "//elsewhere/api/jobs/j"];
    const over = job({ result: generated(...urls) });
    expect(picturesOf(over)).toMatchObject([
      { url: "/api/jobs/j/images/0?v=0123456789abcdef", width: 512, height: 256, seed: 7 },
    ]);
    expect(promptOf(over)).toBe("a cat");
    expect(bulkResultOf(over)).toBeNull();
  });

  it("of bulk work have totals and failed lines", () => {
    const failures = [{ line: 3, id: 17, outcome: "failed", reason: "no file" }];
    const over = job({ result: { totals: TOTALS, failures } });
    expect(bulkResultOf(over)?.totals.embedded).toBe(1);
    expect(bulkResultOf(over)?.failures).toEqual(failures);
    expect([generationOf(over), picturesOf(over), promptOf(over)]).toEqual([null, [], null]);
  });

  it("do not exist before the end", () => {
    expect([picturesOf(job()), bulkResultOf(job()), promptOf(job())]).toEqual([[], null, null]);
  });
});

class FakeSource {
  static opened: FakeSource[] = [];
  static readonly CLOSED = 2;
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly listeners = new Map<string, (message: { data: string; lastEventId: string }) => void>();
  constructor(readonly url: string) {
    FakeSource.opened.push(this);
  }
  addEventListener(
    name: string,
    listener: (message: { data: string; lastEventId: string }) => void,
  ) {
    this.listeners.set(name, listener);
  }
  close() {
    this.readyState = 2;
  }
  send(name: string, data: unknown, lastEventId: string) {
    this.listeners.get(name)?.({ data: JSON.stringify(data), lastEventId });
  }
  breaks(closed: boolean) {
    if (closed) this.readyState = 2;
    this.onerror?.();
  }
}

interface Told {
  events: string[];
  connections: string[];
  done: string[];
  refused: string[][];
  place: string | null;
}

function listening(part: Partial<Listener> = {}): { told: Told; stream: JobStream } {
  const told: Told = { events: [], connections: [], done: [], refused: [], place: null };
  const stream = new JobStream({
    addressOf: (path) => Promise.resolve(path),
    onEvent: (job, { name, id }) => told.events.push(`${job} ${name} ${id}`),
    onConnection: (connection) => told.connections.push(connection),
    onDone: (job) => told.done.push(job),
    onRefused: (jobs) => Promise.resolve(void told.refused.push([...jobs])),
    readPlace: () => told.place,
    writePlace: (id) => (told.place = id),
    ...part,
  });
  return { told, stream };
}

const hide = (hidden: boolean) => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
};

describe("a stream", () => {
  beforeEach(() => {
    FakeSource.opened = [];
    vi.stubGlobal("EventSource", FakeSource);
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("uses one connection for any number of jobs", async () => {
    const { told, stream } = listening();
    for (let job = 0; job < 9; job += 1) stream.follow(`j${job}`);
    await vi.advanceTimersByTimeAsync(100);
    expect(FakeSource.opened.map(({ url }) => url)).toEqual([
      "/api/jobs/events?ids=j0,j1,j2,j3,j4,j5,j6,j7,j8",
    ]);
    const [source] = FakeSource.opened;
    source?.onopen?.();
    source?.send("progress", { job_id: "j3", done: 1 }, "a");
    source?.send("done", { job_id: "j4", state: "succeeded" }, "b");
    source?.send("progress", { job_id: "j4", done: 1 }, "c");
    source?.send("progress", { job_id: "other", done: 1 }, "d");
    expect(told).toMatchObject({
      events: ["j3 progress a", "j4 done b"],
      done: ["j4"],
      connections: ["live"],
      place: "d",
    });
    stream.follow("j9");
    await vi.advanceTimersByTimeAsync(100);
    expect(
      FakeSource.opened
        .filter(({ readyState }) => readyState !== FakeSource.CLOSED)
        .map(({ url }) => url),
    ).toEqual(["/api/jobs/events?ids=j0,j1,j2,j3,j5,j6,j7,j8,j9&after=d"]);
  });

  it("lists a limited number of jobs in its address, and takes others later", async () => {
    const { stream } = listening();
    for (let job = 0; job <= MOST_FOLLOWED; job += 1) stream.follow(`j${job}`);
    await vi.advanceTimersByTimeAsync(100);
    expect(FakeSource.opened[0]?.url.split(",").length).toBe(MOST_FOLLOWED);
    FakeSource.opened[0]?.send("done", { job_id: "j0" }, "a");
    await vi.advanceTimersByTimeAsync(100);
    expect(FakeSource.opened[1]?.url).toContain(`j${MOST_FOLLOWED}`);
  });

  it("leaves a job that does not exist any more", async () => {
    const { told, stream } = listening();
    stream.follow("j");
    stream.follow("k");
    await vi.advanceTimersByTimeAsync(100);
    FakeSource.opened[0]?.send("gone", { job_id: "k" }, "a");
    expect([told.events, told.done, stream.has("j"), stream.has("k")]).toEqual([
      [],
      ["k"],
      true,
      false,
    ]);
  });

  it("ends with its last job", async () => {
    const { told, stream } = listening();
    stream.follow("j");
    await vi.advanceTimersByTimeAsync(100);
    FakeSource.opened[0]?.send("done", { job_id: "j" }, "a");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([FakeSource.opened.length, FakeSource.opened[0]?.readyState, told.done]).toEqual([
      1,
      FakeSource.CLOSED,
      ["j"],
    ]);
  });

  it("continues after the last event, with a new ticket, when it was refused", async () => {
    const asked: boolean[] = [];
    const { told, stream } = listening({
      addressOf: (path, fresh) => Promise.resolve(asked.push(fresh) > 0 ? path : ""),
    });
    stream.follow("j 1");
    await vi.advanceTimersByTimeAsync(100);
    const [first] = FakeSource.opened;
    first?.onopen?.();
    first?.send("progress", { job_id: "j 1" }, "3-0");
    first?.breaks(true);
    expect(told.connections).toEqual(["live", "lost"]);
    await vi.advanceTimersByTimeAsync(pauseBefore(0) + 10);
    expect(told.refused).toEqual([["j 1"]]);
    expect(FakeSource.opened[1]?.url).toBe("/api/jobs/events?ids=j%201&after=3-0");
    expect(asked).toEqual([false, true]);
  });

  it("is not opened again for jobs that are over", async () => {
    const { stream } = listening({
      onRefused: (jobs) => Promise.resolve(jobs.forEach((job) => stream.leave(job))),
    });
    stream.follow("j");
    await vi.advanceTimersByTimeAsync(100);
    FakeSource.opened[0]?.breaks(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSource.opened.length).toBe(1);
  });

  it("is left to the browser while the browser reconnects", async () => {
    const { stream } = listening();
    stream.follow("j");
    await vi.advanceTimersByTimeAsync(100);
    FakeSource.opened[0]?.breaks(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSource.opened.length).toBe(1);
  });

  it("closes the connection of a hidden tab, and reads what it missed", async () => {
    const { told, stream } = listening();
    stream.follow("j");
    await vi.advanceTimersByTimeAsync(100);
    FakeSource.opened[0]?.send("progress", { job_id: "j" }, "7");
    hide(true);
    expect(FakeSource.opened[0]?.readyState).toBe(FakeSource.CLOSED);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSource.opened.length).toBe(1);
    hide(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(FakeSource.opened.map(({ url }) => url)).toContain("/api/jobs/events?ids=j&after=7");
    expect(told.refused).toEqual([]);
  });

  it("waits longer each time", () => {
    expect([0, 1, 2, 30].map(pauseBefore)).toEqual([500, 1000, 2000, 15_000]);
  });
});
