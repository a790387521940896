/**
 * Tickets: what stands for a key in addresses. Pictures and streams cannot send headers, and a key in an address would
 * be written into logs and histories. A ticket opens pictures and events only, for some minutes.
 */

import { create } from "zustand";

import { at, place, withParameter } from "@/lib/address";
import { fields, number, text } from "@/lib/json";
import { useSession } from "@/state/session";

import { request } from "./client";
import { Problem } from "./problem";

/** A ticket is replaced so long before its end, for the sake of downloads that take a while. */
const EARLY = 120_000;
const AGAIN = 5_000;

interface Tickets {
  /** False while a key is there and its ticket is not yet. */
  ready: boolean;
  ticket: string | null;
  /** When it ends, by this machine's clock. */
  until: number;
}

const NONE: Tickets = { ready: true, ticket: null, until: 0 };

export const useTickets = create<Tickets>()(() => ({ ...NONE, ready: keys().length === 0 }));

/** The keys to ask with: an admin key opens what a key does, and everybody's jobs. */
function keys(): string[] {
  const { key, adminKey } = useSession.getState();
  return [adminKey, key].filter((given) => given !== "");
}

let asking: Promise<void> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

async function ask(): Promise<void> {
  clearTimeout(timer);
  const asked = keys();
  if (asked.length === 0) {
    useTickets.setState(NONE);
    return;
  }
  for (const key of asked) {
    try {
      const response = await request(new Request(at("/api/tickets"), { method: "POST", headers: { authorization: `Bearer ${key}` } }));
      const given = fields(await response.json());
      const [ticket, seconds] = [text(given["ticket"]), number(given["expires_in"])];
      if (ticket === null || seconds === null) continue;
      const lasts = seconds * 1000;
      useTickets.setState({ ready: true, ticket, until: Date.now() + lasts });
      timer = setTimeout(() => void renewed(), Math.max(AGAIN, lasts - EARLY));
      return;
    } catch (error) {
      // A key that is refused has no ticket, and the next one is tried. Anything else may pass.
      if (error instanceof Problem && error.status < 500 && error.status !== 429) continue;
      timer = setTimeout(() => void renewed(), AGAIN);
      return;
    }
  }
  useTickets.setState(NONE);
}

/** A new ticket, whatever there was. Asking twice at a time asks once. */
export function renewed(): Promise<void> {
  asking ??= ask().finally(() => {
    asking = null;
  });
  return asking;
}

/** The address of a path for an `EventSource`, with a ticket that is good for a while. */
export async function ticketed(path: string): Promise<string> {
  const { ready, ticket, until } = useTickets.getState();
  if (!ready || (ticket !== null && until - Date.now() < EARLY / 2)) await renewed();
  return address(path, useTickets.getState().ticket);
}

/** The address of a path, with a ticket where there is one. */
export function address(path: string, ticket: string | null): string {
  return place(ticket === null ? path : withParameter(path, "ticket", ticket));
}

/** Gets a ticket now, and another with each change of the keys, and before each one ends. */
export function keepTickets(): void {
  void renewed();
  useSession.subscribe(({ key, adminKey }, before) => {
    if (key === before.key && adminKey === before.adminKey) return;
    useTickets.setState({ ready: key === "" && adminKey === "", ticket: null, until: 0 });
    void (asking ?? Promise.resolve()).then(renewed);
  });
  // Timers stand still while a machine sleeps.
  document.addEventListener("visibilitychange", () => {
    const { ticket, until } = useTickets.getState();
    if (!document.hidden && ticket !== null && until - Date.now() < EARLY) void renewed();
  });
}
