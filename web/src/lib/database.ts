/** The browser's database, for what is too large for its plain storage, such as pictures. */

import { del, get, set } from "idb-keyval";
import type { StateStorage } from "zustand/middleware";

/** Private windows may have no database, and disks may be full: what cannot be kept is there until the page is closed. */
export const database: StateStorage = {
  getItem: async (name) => {
    try {
      return (await get<string>(name)) ?? null;
    } catch {
      return null;
    }
  },
  setItem: (name, value) => set(name, value).catch(() => undefined),
  removeItem: (name) => del(name).catch(() => undefined),
};
