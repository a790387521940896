/** Who is working here, with which keys, and how the page looks. */

import { create } from "zustand";
import { persist } from "zustand/middleware";

import { uniqueId } from "@/lib/id";

export type Theme = "system" | "light" | "dark";

interface Session {
  /** Whose taste is learned; made up once for each browser. */
  artist: string;
  key: string;
  adminKey: string;
  theme: Theme;
  setKey: (key: string) => void;
  setAdminKey: (key: string) => void;
  setTheme: (theme: Theme) => void;
}

export const useSession = create<Session>()(
  persist(
    (set) => ({
      artist: `artist-${uniqueId().slice(0, 12)}`,
      key: "",
      adminKey: "",
      theme: "system",
      setKey: (key) => set({ key: key.trim() }),
      setAdminKey: (adminKey) => set({ adminKey: adminKey.trim() }),
      setTheme: (theme) => set({ theme }),
    }),
    { name: "clippy.session", version: 1 },
  ),
);

// What is made up at the first visit is kept from then on; by itself it would be written with the first change only.
useSession.setState(({ artist }) => ({ artist }));

/** The key for a path: admin routes take the admin key, and with it one sees everybody's jobs. */
export function keyFor(path: string, { key, adminKey }: Pick<Session, "key" | "adminKey">): string {
  if (path.startsWith("/api/admin")) return adminKey || key;
  if (path.startsWith("/api/jobs")) return adminKey || key;
  return key || adminKey;
}

/** An address for `<img>` and `EventSource`, which cannot send headers. */
export function withKey(path: string): string {
  const key = keyFor(path, useSession.getState());
  if (key === "") return path;
  return `${path}${path.includes("?") ? "&" : "?"}key=${encodeURIComponent(key)}`;
}
