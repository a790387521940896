/**
 * Storage for the settings of a tab, such as the words of a search. A tab reads its own values. A
 * new tab starts with the values that were written last, by whichever tab.
 */

import type { StateStorage } from "zustand/middleware";

/** Values that could not be stored, because storage is disabled or full. */
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

/** Values of this tab only. */
export const tabOnly = {
  get: (name: string) => read(tab, name),
  set: (name: string, value: string | null) => write(tab, name, value),
};

/** Values that all tabs of this browser share. */
export const shared = {
  get: (name: string) => read(browser, name),
  set: (name: string, value: string | null) => write(browser, name, value),
  /** Reports changes that other tabs make. */
  watch: (name: string, changed: () => void): void => {
    window.addEventListener("storage", (event) => {
      if (event.key === name || event.key === null) changed();
    });
  },
};
