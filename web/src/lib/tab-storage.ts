/**
 * Storage for what each tab has for itself, such as the words of a search. A tab reads only what it wrote; what it
 * writes is also left for tabs that are opened later, which begin with it.
 */

import type { StateStorage } from "zustand/middleware";

/** Storage may be switched off or full: what cannot be kept lasts until the page is closed. */
const unkept = new Map<string, string | null>();

function read(storage: () => Storage, name: string): string | null {
  try {
    return unkept.get(name) ?? storage().getItem(name);
  } catch {
    return unkept.get(name) ?? null;
  }
}

function write(storage: () => Storage, name: string, value: string | null): void {
  try {
    if (value === null) storage().removeItem(name);
    else storage().setItem(name, value);
    unkept.delete(name);
  } catch {
    unkept.set(name, value);
  }
}

const tab = () => window.sessionStorage;
const browser = () => window.localStorage;

export const tabStorage: StateStorage = {
  getItem: (name) => read(tab, name) ?? read(browser, name),
  setItem: (name, value) => {
    write(tab, name, value);
    write(browser, name, value);
  },
  removeItem: (name) => {
    write(tab, name, null);
    write(browser, name, null);
  },
};

/** What only this tab knows. */
export const tabOnly = {
  get: (name: string) => read(tab, name),
  set: (name: string, value: string | null) => write(tab, name, value),
};

/** What all tabs of this browser share. */
export const shared = {
  get: (name: string) => read(browser, name),
  set: (name: string, value: string | null) => write(browser, name, value),
  /** Tells of changes that other tabs make. */
  watch: (name: string, changed: () => void): void => {
    window.addEventListener("storage", (event) => {
      if (event.key === name || event.key === null) changed();
    });
  },
};
