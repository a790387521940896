/** The artist of this browser, the keys, and the theme. */

import { create } from "zustand";
import { persist } from "zustand/middleware";

import { uniqueId } from "@/lib/id";
import { fields, parsed } from "@/lib/json";
import { shared, tabOnly } from "@/lib/tab-storage";

export type Theme = "system" | "light" | "dark";
export type KeyName = "key" | "adminKey";

interface Session {
  /** The user id that preferences are learned for: random, one for each browser. */
  artist: string;
  key: string;
  adminKey: string;
  /** Which keys the browser keeps when the tab is closed. Other keys belong to this tab only. */
  kept: Readonly<Record<KeyName, boolean>>;
  theme: Theme;
  setKey: (which: KeyName, key: string, keep: boolean) => void;
  setTheme: (theme: Theme) => void;
}

const NAME = "clippy.session";
const TAB_KEYS = "clippy.keys";

/** The keys that belong to this tab only. */
function tabKeys(): Record<KeyName, string> {
  const given = fields(parsed(tabOnly.get(TAB_KEYS) ?? "null"));
  const key = (value: unknown) => (typeof value === "string" ? value : "");
  return { key: key(given["key"]), adminKey: key(given["adminKey"]) };
}

function setTabKey(which: KeyName, key: string): void {
  const keys = { ...tabKeys(), [which]: key };
  tabOnly.set(TAB_KEYS, keys.key === "" && keys.adminKey === "" ? null : JSON.stringify(keys));
}

export const useSession = create<Session>()(
  persist(
    (set) => ({
      artist: `artist-${uniqueId().slice(0, 12)}`,
      key: "",
      adminKey: "",
      kept: { key: true, adminKey: false },
      theme: "system",
      setKey: (which, key, keep) => {
        setTabKey(which, keep ? "" : key.trim());
        set(({ kept }) => ({ [which]: key.trim(), kept: { ...kept, [which]: keep } }));
      },
      setTheme: (theme) => set({ theme }),
    }),
    {
      name: NAME,
      version: 2,
      partialize: ({ artist, theme, kept, key, adminKey }) => ({
        artist,
        theme,
        kept,
        key: kept.key ? key : "",
        adminKey: kept.adminKey ? adminKey : "",
      }),
      // Version 1 kept admin keys in the browser without asking. They now belong to a tab.
      migrate: (before) => {
        const { adminKey, ...rest } = fields(before);
        if (typeof adminKey === "string") setTabKey("adminKey", adminKey);
        return rest as unknown as Session;
      },
      merge: (persisted, current) => {
        const stored = persisted as Partial<Session>;
        const own = tabKeys();
        return {
          ...current,
          ...stored,
          key: own.key || stored.key || "",
          adminKey: own.adminKey || stored.adminKey || "",
        };
      },
    },
  ),
);

// Writes the artist's random id at the first visit: the store itself writes after a change only.
useSession.setState(({ artist }) => ({ artist }));

// Applies the changes of other tabs. Otherwise this tab would write back a key that was removed in
// another one.
shared.watch(NAME, () => void useSession.persist.rehydrate());

/**
 * The key for a path. Admin routes and changes of styles and pictures need the admin key, which
 * also opens everybody's jobs.
 */
export function keyFor(path: string, { key, adminKey }: Pick<Session, "key" | "adminKey">): string {
  if (path.startsWith("/api/admin")) return adminKey || key;
  if (path.startsWith("/api/jobs")) return adminKey || key;
  if (path.startsWith("/api/tags/review")) return adminKey || key;
  if (path.startsWith("/api/styles/")) return adminKey || key;
  if (path.startsWith("/api/pictures/")) return adminKey || key;
  return key || adminKey;
}
