/**
 * Tickets stand in for a key in addresses. Pictures and event streams cannot send headers, and a
 * key in an address would be written into logs and histories. A ticket opens pictures and events
 * only, for a few minutes.
 */

import { create } from "zustand";

import { place, withParameter } from "@/lib/address";
import { useSession } from "@/state/session";

import { api, body } from "./client";
import { needsKey } from "./problem";

/** How long before its end a ticket is replaced, so that a slow download can finish. */
const EARLY = 120_000;
const RETRY_AFTER = 5_000;

interface Tickets {
  /** False while there is a key and no ticket for it yet. */
  ready: boolean;
  ticket: string | null;
  /** When the ticket ends, by the clock of this machine. */
  until: number;
}

const NONE: Tickets = { ready: true, ticket: null, until: 0 };

export const useTickets = create<Tickets>()(() => ({ ...NONE, ready: keys().length === 0 }));

/** The keys to try, in order. A ticket for an admin key opens everybody's jobs. */
function keys(): string[] {
  const { key, adminKey } = useSession.getState();
  return [adminKey, key].filter((given) => given !== "");
}

let requesting: Promise<void> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

async function requestTicket(): Promise<void> {
  clearTimeout(timer);
  for (const key of keys()) {
    try {
      const headers = { authorization: `Bearer ${key}` };
      const { ticket, expires_in } = body(await api.POST("/api/tickets", { headers }));
      const lasts = expires_in * 1000;
      useTickets.setState({ ready: true, ticket, until: Date.now() + lasts });
      renewIn(Math.max(RETRY_AFTER, lasts - EARLY));
      return;
    } catch (error) {
      // A refused key gets no ticket, so the next key is tried. Other failures may pass.
      if (needsKey(error)) continue;
      renewIn(RETRY_AFTER);
      return;
    }
  }
  useTickets.setState(NONE);
}

function renewIn(delay: number): void {
  timer = setTimeout(() => void renewTicket(), delay);
}

/** Requests a new ticket. Calls that overlap share one request. */
export function renewTicket(): Promise<void> {
  requesting ??= requestTicket().finally(() => {
    requesting = null;
  });
  return requesting;
}

/** The address of a path for an `EventSource`, with a ticket that stays valid for a while. */
export async function addressWithTicket(path: string): Promise<string> {
  const { ready, ticket, until } = useTickets.getState();
  if (!ready || (ticket !== null && until - Date.now() < EARLY / 2)) await renewTicket();
  return address(path, useTickets.getState().ticket);
}

/** The address of a path, with the ticket if there is one. */
export function address(path: string, ticket: string | null): string {
  return place(ticket === null ? path : withParameter(path, "ticket", ticket));
}

/** Keeps a valid ticket from now on: after each change of the keys, and before a ticket ends. */
export function keepTickets(): void {
  void renewTicket();
  useSession.subscribe(({ key, adminKey }, before) => {
    if (key === before.key && adminKey === before.adminKey) return;
    useTickets.setState({ ready: key === "" && adminKey === "", ticket: null, until: 0 });
    void (requesting ?? Promise.resolve()).then(renewTicket);
  });
  // Timers do not run while a machine sleeps.
  document.addEventListener("visibilitychange", () => {
    const { ticket, until } = useTickets.getState();
    if (!document.hidden && ticket !== null && until - Date.now() < EARLY) void renewTicket();
  });
}
