import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Job } from "@/api/client";

import { follow, pauseBefore } from "./follow";
import { failedLines, picturesOf } from "./store";
import { applied, fractionOf, mayRetry, viewOf, type JobEvent, type JobView } from "./view";

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
const told = (view: JobView, ...events: JobEvent[]) => events.reduce(applied, view);
const IMAGE = "data:image/jpeg;base64,aaaa";

describe("a watched job", () => {
  it("follows its events", () => {
    const view = told(
      viewOf(job()),
      event("snapshot", job({ state: "running", attempt: 1 }), "0-0"),
      event("progress", { done: 40, total: 1000, unit: "steps", stage: "painting", message: "painting picture 1 of 2" }, "3-0"),
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

  it("shows the last preview of a snapshot, and nothing that is no picture", () => {
    const view = told(viewOf(job()), event("snapshot", { ...job({ state: "running" }), preview: { index: 0, image: IMAGE } }), event("preview", { index: 1, image: "https://elsewhere" }));
    expect(view.previews).toEqual({ 0: IMAGE });
  });

  it("is not brought back by events from before its end", () => {
    const view = told(viewOf(job({ state: "succeeded" })), event("state", { state: "running", attempt: 1 }), event("progress", { done: 1, total: 2 }));
    expect(view.job.state).toBe("succeeded");
    expect(fractionOf(view.job)).toBe(1);
  });

  it("begins again after its end", () => {
    const view = told(viewOf(job({ state: "failed" })), event("state", { state: "queued", attempt: 0 }), event("state", { state: "running", attempt: 1 }));
    expect(view.job.state).toBe("running");
  });

  it("forgets previews of an attempt that is made again", () => {
    const view = told(viewOf(job({ state: "running" })), event("preview", { index: 0, image: IMAGE }), event("state", { state: "queued", attempt: 1 }));
    expect(view.previews).toEqual({});
  });

  it("bears events that make no sense", () => {
    const view = viewOf(job());
    expect(told(view, event("snapshot", null), event("state", 7), event("progress", "x"), event("preview", []), event("news", {})).job.state).toBe("queued");
  });

  it("may be tried again when it failed or was stopped", () => {
    expect(["queued", "running", "succeeded", "failed", "cancelled"].filter((state) => mayRetry({ state }))).toEqual(["failed", "cancelled"]);
  });
});

describe("results", () => {
  it("are read with care", () => {
    const result = { images: [{ url: "/api/jobs/j/images/0", width: 512, height: 512, seed: 7 }, { url: "https://elsewhere" }, null] };
    expect(picturesOf(job({ result }))).toEqual([{ index: 0, url: "/api/jobs/j/images/0", width: 512, height: 512, seed: "7" }]);
    expect(picturesOf(job())).toEqual([]);
    expect(failedLines(job({ result: { failures: [{ line: 3, id: 17, outcome: "failed", reason: "no file" }, {}] } }))).toEqual([
      { line: 3, id: "17", outcome: "failed", reason: "no file" },
      { line: null, id: null, outcome: "failed", reason: "" },
    ]);
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
  addEventListener(name: string, listener: (message: { data: string; lastEventId: string }) => void) {
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

describe("following", () => {
  beforeEach(() => {
    FakeSource.opened = [];
    vi.stubGlobal("EventSource", FakeSource);
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("goes on after the last event when the connection broke for good", () => {
    const events: JobEvent[] = [];
    const states: string[] = [];
    let done = false;
    follow("j 1", "2-0", { onEvent: (next) => events.push(next), onConnection: (state) => states.push(state), onDone: () => (done = true) });
    const [first] = FakeSource.opened;
    expect(first?.url).toBe("/api/jobs/j%201/events?after=2-0");
    first?.onopen?.();
    first?.send("progress", { done: 1 }, "3-0");
    first?.breaks(true);
    expect(states).toEqual(["live", "lost"]);
    vi.advanceTimersByTime(pauseBefore(0));
    const [, second] = FakeSource.opened;
    expect(second?.url).toBe("/api/jobs/j%201/events?after=3-0");
    second?.send("done", { state: "succeeded" }, "4-0");
    expect(done).toBe(true);
    expect(second?.readyState).toBe(2);
    expect(events.map(({ name, id }) => `${name} ${id}`)).toEqual(["progress 3-0", "done 4-0"]);
  });

  it("leaves it to the browser while that tries again itself", () => {
    follow("j", null, { onEvent: () => undefined, onConnection: () => undefined, onDone: () => undefined });
    FakeSource.opened[0]?.breaks(false);
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.opened.length).toBe(1);
  });

  it("does not come back once it was stopped, and waits longer each time", () => {
    const stop = follow("j", null, { onEvent: () => undefined, onConnection: () => undefined, onDone: () => undefined });
    FakeSource.opened[0]?.breaks(true);
    stop();
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.opened.length).toBe(1);
    expect([0, 1, 2, 30].map(pauseBefore)).toEqual([500, 1000, 2000, 15_000]);
  });
});
