/**
 * Which drawing this tab has. A drawing is open in one tab at a time: a second one that asks for it, such as a duplicated
 * tab, makes a copy.
 */

import { uniqueId } from "@/lib/id";
import { fields, text } from "@/lib/json";
import { tabOnly } from "@/lib/tab-storage";

const NAME = "clippy.document";
const LOCK = `${NAME}.`;
const ANY = "any";
/** The page before a reload lets go a moment after this one begins. */
const PATIENCE = 700;
/** Another tab answers within this. */
const HEARS = 200;

/** The drawing that this tab had before a reload. */
export function readTab(): string | null {
  return text(tabOnly.get(NAME));
}

export function writeTab(id: string): void {
  tabOnly.set(NAME, id);
}

let mine: string | null = null;
let letGo: () => void = () => undefined;

// Locks are there on secure pages only; elsewhere tabs ask each other.
const locks: LockManager | undefined = navigator.locks;
const me = uniqueId();
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(NAME);
channel?.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  const { asks, from } = fields(data);
  if (from === me || mine === null) return;
  if (asks === mine || asks === ANY) channel.postMessage({ has: mine, to: from });
});

function asked(what: string): Promise<boolean> {
  if (channel === null) return Promise.resolve(false);
  return new Promise((resolve) => {
    const heard = ({ data }: MessageEvent<unknown>) => {
      if (fields(data)["to"] === me) end(true);
    };
    const end = (found: boolean) => {
      clearTimeout(timer);
      channel.removeEventListener("message", heard);
      resolve(found);
    };
    const timer = setTimeout(() => end(false), HEARS);
    channel.addEventListener("message", heard);
    channel.postMessage({ asks: what, from: me });
  });
}

/** Takes a drawing for this tab, and lets go of the one it had. False when another tab has it. */
export async function claim(id: string): Promise<boolean> {
  if (mine === id) return true;
  const before = letGo;
  if (locks === undefined) {
    if (await asked(id)) return false;
    letGo = () => undefined;
  } else if (!(await locked(locks, id))) return false;
  before();
  mine = id;
  return true;
}

function locked(manager: LockManager, id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    const held = manager.request(`${LOCK}${id}`, { signal: patience.signal }, () => {
      clearTimeout(timer);
      return new Promise<void>((release) => {
        letGo = release;
        resolve(true);
      });
    });
    held.catch(() => resolve(false));
  });
}

/** Whether any other tab is there. One that was just closed may take a moment to be gone. */
export async function isAlone(): Promise<boolean> {
  if (!(await isOpenElsewhere())) return true;
  await new Promise((resolve) => setTimeout(resolve, HEARS));
  return !(await isOpenElsewhere());
}

/** Whether another tab has this drawing, or any where none is named. */
export async function isOpenElsewhere(id?: string): Promise<boolean> {
  if (locks === undefined) return asked(id ?? ANY);
  const { held = [] } = await locks.query();
  const names = held.flatMap(({ name }) => (name?.startsWith(LOCK) ? [name.slice(LOCK.length)] : [])).filter((name) => name !== mine);
  return id === undefined ? names.length > 0 : names.includes(id);
}
