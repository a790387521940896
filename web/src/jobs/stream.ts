/**
 * One stream of events for all jobs that this page follows. A browser opens six connections to a
 * server, for all of its tabs: a stream for each job would leave none for anything else. A hidden
 * tab closes its stream, and reads the events that it missed when it is shown again.
 */

import { withParameter } from "@/lib/address";
import { fields, parsed, text } from "@/lib/json";

import type { Connection, JobEvent } from "./view";

export interface Listener {
  /** The address of a path, with a ticket. `fresh` asks for a new ticket after a failure. */
  addressOf: (path: string, fresh: boolean) => Promise<string>;
  onEvent: (job: string, event: JobEvent) => void;
  onConnection: (connection: Connection) => void;
  /** The job is over or gone: no more events follow. */
  onDone: (job: string) => void;
  /** The server refused a stream for these jobs. Some may be over. */
  onRefused: (jobs: readonly string[]) => Promise<void>;
  /** The last event that was read, kept for a reload. */
  readPlace: () => string | null;
  writePlace: (id: string) => void;
}

const NAMES = ["snapshot", "state", "progress", "preview", "log", "done", "gone"] as const;
const LONGEST_PAUSE = 15_000;
/** Most jobs of one stream, because its address lists them. Others wait until one is over. */
export const MOST_FOLLOWED = 50;
/** Lists add jobs in groups, so that the stream is opened a moment later, for all of them. */
const GATHER = 30;

/** The delay before the next attempt, which grows with each one. */
export function pauseBefore(attempt: number): number {
  return Math.min(LONGEST_PAUSE, 500 * 2 ** Math.min(attempt, 10));
}

export class JobStream {
  private readonly jobs = new Set<string>();
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;
  /** The number of the current attempt to open: an older one may get its address later. */
  private turn = 0;
  private asleep = document.hidden;

  constructor(private readonly listener: Listener) {
    document.addEventListener("visibilitychange", () => this.sleep(document.hidden));
  }

  has(job: string): boolean {
    return this.jobs.has(job);
  }

  follow(job: string): void {
    if (this.jobs.has(job)) return;
    this.jobs.add(job);
    this.openIn(GATHER);
  }

  leave(job: string): void {
    const waiting = this.jobs.size > MOST_FOLLOWED;
    if (!this.jobs.delete(job)) return;
    if (this.jobs.size === 0) this.close();
    else if (waiting) this.openIn(GATHER);
  }

  private sleep(asleep: boolean): void {
    this.asleep = asleep;
    if (asleep) this.close();
    else this.openIn(0);
  }

  private close(): void {
    this.turn += 1;
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private openIn(pause: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.open(), pause);
  }

  /**
   * Opens the stream after the last event that was read. An EventSource reconnects by itself after
   * a lost connection, but gives up on an answer that is no stream: a proxy's 502, an expired
   * ticket, or the server's 204 for jobs that are over.
   */
  private async open(): Promise<void> {
    this.close();
    const { turn } = this;
    const ids = [...this.jobs].slice(0, MOST_FOLLOWED);
    if (ids.length === 0 || this.asleep) return;
    const after = this.listener.readPlace();
    const path = `/api/jobs/events?ids=${ids.map(encodeURIComponent).join(",")}`;
    const place = after === null ? path : withParameter(path, "after", after);
    const url = await this.listener.addressOf(place, this.attempt > 0);
    if (turn !== this.turn) return;
    const source = new EventSource(url);
    this.source = source;
    source.onopen = () => {
      this.attempt = 0;
      this.listener.onConnection("live");
    };
    source.onerror = () => {
      if (source !== this.source) return;
      this.listener.onConnection("lost");
      if (source.readyState === EventSource.CLOSED) this.refused(ids);
    };
    for (const name of NAMES) {
      source.addEventListener(name, (message: MessageEvent<string>) => {
        if (source === this.source) this.take(name, message);
      });
    }
  }

  private take(name: string, message: MessageEvent<string>): void {
    const data = parsed(message.data);
    const job = text(fields(data)["job_id"]);
    if (message.lastEventId !== "") this.listener.writePlace(message.lastEventId);
    if (job === null || !this.jobs.has(job)) return;
    if (name !== "gone") this.listener.onEvent(job, { name, id: message.lastEventId, data });
    if (name !== "done" && name !== "gone") return;
    this.leave(job);
    this.listener.onDone(job);
  }

  private refused(ids: readonly string[]): void {
    this.close();
    const pause = pauseBefore(this.attempt);
    this.attempt += 1;
    this.timer = setTimeout(() => {
      const { turn } = this;
      void this.listener
        .onRefused(ids.filter((id) => this.jobs.has(id)))
        .catch(() => undefined)
        .then(() => turn === this.turn && this.openIn(0));
    }, pause);
  }
}
