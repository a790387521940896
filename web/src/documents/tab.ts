/**
 * The drawing that this tab has open. A drawing is open in one tab at a time: a second tab that
 * opens it, such as a duplicated tab, makes a copy.
 */

import { uniqueId } from "@/lib/id";
import { fields, text } from "@/lib/json";
import { tabOnly } from "@/lib/tab-storage";

const NAME = "clippy.document";
const LOCK = `${NAME}.`;
const ANY = "any";
/** How long to wait for a lock. On a reload, the old page may hold it for a moment. */
const LOCK_TIMEOUT = 700;
/** How long to wait for the answer of another tab. */
const ANSWER_TIMEOUT = 200;

/** The drawing that this tab had before a reload. */
export function readTab(): string | null {
  return text(tabOnly.get(NAME));
}

export function writeTab(id: string): void {
  tabOnly.set(NAME, id);
}

/** The claimed drawing, and what releases it. */
let mine: string | null = null;
let release: () => void = () => undefined;

// Browsers have locks on secure pages only. On other pages tabs ask each other.
const locks: LockManager | undefined = navigator.locks;
const me = uniqueId();
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(NAME);
channel?.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  const { asks, from } = fields(data);
  if (from === me || mine === null) return;
  if (asks === mine || asks === ANY) channel.postMessage({ has: mine, to: from });
});

function askTabs(what: string): Promise<boolean> {
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
    const timer = setTimeout(() => end(false), ANSWER_TIMEOUT);
    channel.addEventListener("message", heard);
    channel.postMessage({ asks: what, from: me });
  });
}

/** Claims a drawing for this tab, and releases its previous one. False if another tab has it. */
export async function claim(id: string): Promise<boolean> {
  if (mine === id) return true;
  const before = release;
  if (locks === undefined) {
    if (await askTabs(id)) return false;
    release = () => undefined;
  } else if (!(await lock(locks, id))) return false;
  before();
  mine = id;
  return true;
}

function lock(manager: LockManager, id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), LOCK_TIMEOUT);
    const held = manager.request(`${LOCK}${id}`, { signal: timeout.signal }, () => {
      clearTimeout(timer);
      return new Promise<void>((done) => {
        release = done;
        resolve(true);
      });
    });
    held.catch(() => resolve(false));
  });
}

/** Whether this is the only tab. A tab that was just closed may hold its lock for a moment. */
export async function isAlone(): Promise<boolean> {
  if (!(await isOpenElsewhere())) return true;
  await new Promise((resolve) => setTimeout(resolve, ANSWER_TIMEOUT));
  return !(await isOpenElsewhere());
}

/** Whether another tab has this drawing open, or any drawing if none is named. */
export async function isOpenElsewhere(id?: string): Promise<boolean> {
  if (locks === undefined) return askTabs(id ?? ANY);
  const { held = [] } = await locks.query();
  const others = held
    .flatMap(({ name }) => (name?.startsWith(LOCK) ? [name.slice(LOCK.length)] : []))
    .filter((name) => name !== mine);
  return id === undefined ? others.length > 0 : others.includes(id);
}
