/** Following a job over server-sent events, through lost connections. */

import { parsed } from "@/lib/json";
import { withKey } from "@/state/session";

import type { Connection, JobEvent } from "./view";

export interface Follower {
  onEvent: (event: JobEvent) => void;
  onConnection: (connection: Connection) => void;
  /** The stream is over: nothing more will come. */
  onDone: () => void;
}

const NAMES = ["snapshot", "state", "progress", "preview", "log", "done"] as const;
const LONGEST_PAUSE = 15_000;

/** How long to wait before the next try, growing with each one. */
export function pauseBefore(attempt: number): number {
  return Math.min(LONGEST_PAUSE, 500 * 2 ** Math.min(attempt, 10));
}

/**
 * Opens the stream after an event, and opens it again whenever it breaks. An EventSource comes back by itself after a
 * lost connection, but gives up for good on an answer that is no stream, such as a proxy's 502.
 */
export function follow(job: string, after: string | null, follower: Follower): () => void {
  let last = after;
  let attempt = 0;
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const close = () => {
    source?.close();
    source = null;
  };
  const open = () => {
    const query = last === null ? "" : `?after=${encodeURIComponent(last)}`;
    const opened = new EventSource(withKey(`/api/jobs/${encodeURIComponent(job)}/events${query}`));
    source = opened;
    opened.onopen = () => {
      attempt = 0;
      follower.onConnection("live");
    };
    opened.onerror = () => {
      if (stopped) return;
      follower.onConnection("lost");
      if (opened.readyState !== EventSource.CLOSED) return;
      close();
      timer = setTimeout(open, pauseBefore(attempt));
      attempt += 1;
    };
    for (const name of NAMES) {
      opened.addEventListener(name, (message: MessageEvent<string>) => {
        if (stopped) return;
        last = message.lastEventId || last;
        follower.onEvent({ name, id: message.lastEventId, data: parsed(message.data) });
        if (name === "done") {
          stop();
          follower.onDone();
        }
      });
    }
  };
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
    close();
  };
  open();
  return stop;
}
