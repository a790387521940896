/** Which panels of the studio are shown. Any view may show one of them. */

import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import { tabStorage } from "@/lib/tab-storage";

import { goTo } from "./place";

export type Tab = "find" | "make";
/** What a narrow screen shows, which has room for one panel at a time. */
export type Sheet = "draw" | Tab | "references";

interface Layout {
  tab: Tab;
  sheet: Sheet;
  show: (sheet: Sheet) => void;
}

export const useLayout = create<Layout>()(
  persist(
    (set) => ({
      tab: "find",
      sheet: "draw",
      show: (sheet) =>
        set(sheet === "find" || sheet === "make" ? { sheet, tab: sheet } : { sheet }),
    }),
    { name: "clippy.bench", version: 1, storage: createJSONStorage(() => tabStorage) },
  ),
);

/** Shows a panel of the studio, from any view. */
export function showPanel(sheet: Sheet): void {
  useLayout.getState().show(sheet);
  goTo("studio");
}

const WORDS = "words";
/** A view is shown within a few frames, on a slow connection within seconds. */
const MOST_FRAMES = 300;

/** Shows the search and moves the focus to its words, from any view. */
export function focusWords(): void {
  showPanel("find");
  const attempt = (frames: number) => {
    const field = document.getElementById(WORDS);
    field?.focus();
    if (field !== null && document.activeElement === field) return;
    if (frames > 0) requestAnimationFrame(() => attempt(frames - 1));
  };
  attempt(MOST_FRAMES);
}
