/** Who is working here, with which keys, and how the page looks. */

import { create } from "zustand";
import { persist } from "zustand/middleware";

import { uniqueId } from "@/lib/id";
import { fields, parsed } from "@/lib/json";
import { shared, tabOnly } from "@/lib/tab-storage";

export type Theme = "system" | "light" | "dark";
export type Which = "key" | "adminKey";

interface Session {
  /** Whose taste is learned; made up once for each browser. */
  artist: string;
  key: string;
  adminKey: string;
  /** Which keys stay in the browser when the tab is closed. The others are this tab's alone. */
  kept: Readonly<Record<Which, boolean>>;
  theme: Theme;
  setKey: (which: Which, key: string, keep: boolean) => void;
  setTheme: (theme: Theme) => void;
}

const NAME = "clippy.session";
const TAB_KEYS = "clippy.keys";

/** The keys that only this tab has. */
function tabKeys(): Record<Which, string> {
  const given = fields(parsed(tabOnly.get(TAB_KEYS) ?? "null"));
  const key = (value: unknown) => (typeof value === "string" ? value : "");
  return { key: key(given["key"]), adminKey: key(given["adminKey"]) };
}

function setTabKey(which: Which, key: string): void {
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
      partialize: ({ artist, theme, kept, key, adminKey }) => ({ artist, theme, kept, key: kept.key ? key : "", adminKey: kept.adminKey ? adminKey : "" }),
      // Before, an admin key stayed in the browser without a question: now it is asked for in each tab.
      migrate: (before) => {
        const { adminKey, ...rest } = fields(before);
        if (typeof adminKey === "string") setTabKey("adminKey", adminKey);
        return rest as unknown as Session;
      },
      merge: (persisted, current) => {
        const stored = persisted as Partial<Session>;
        const own = tabKeys();
        return { ...current, ...stored, key: own.key || stored.key || "", adminKey: own.adminKey || stored.adminKey || "" };
      },
    },
  ),
);

// What is made up at the first visit is kept from then on; by itself it would be written with the first change only.
useSession.setState(({ artist }) => ({ artist }));

// Another tab's change is this tab's too: with what it knew before, it would write back a key that was forgotten there.
shared.watch(NAME, () => void useSession.persist.rehydrate());

/** The key for a path: admin routes take the admin key, and with it one sees everybody's jobs. */
export function keyFor(path: string, { key, adminKey }: Pick<Session, "key" | "adminKey">): string {
  if (path.startsWith("/api/admin")) return adminKey || key;
  if (path.startsWith("/api/jobs")) return adminKey || key;
  return key || adminKey;
}
