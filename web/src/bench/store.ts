/** The axes of the bench, and its last run. Both survive a reload of the tab. */

import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import { tabStorage } from "@/lib/tab-storage";
import type { Wish } from "@/make/wish";
import type { NewReference, Reference } from "@/references/store";

import { MOST_SEEDS, type Axes, type Plan } from "./plan";

/** A reference of a run. The artist's own picture stays with the references. */
export interface RunReference extends Pick<Reference, "key" | "role" | "weight" | "title"> {
  /** The id of a picture of the gallery, or null for the artist's own. */
  gallery: string | null;
}

export interface RunRow {
  key: string;
  title: string;
  weight: number | null;
  references: readonly RunReference[];
}

export interface Cell {
  row: string;
  column: string;
  /** Null until it is sent. */
  job: string | null;
  /** Why it was not sent. */
  failure: string | null;
}

export interface Run {
  id: string;
  /** The form's settings. */
  wish: Wish;
  rows: readonly RunRow[];
  columns: Plan["columns"];
  cells: readonly Cell[];
}

interface Bench {
  axes: Axes;
  seeds: readonly number[];
  run: Run | null;
  set: (part: Partial<Axes>) => void;
  roll: () => void;
  begin: (run: Run) => void;
  place: (run: string, row: string, column: string, part: Partial<Cell>) => void;
}

/** The run that this page is sending, if it is. */
export const useSending = create<{ run: string | null }>()(() => ({ run: null }));

function freshSeeds(): number[] {
  return Array.from(crypto.getRandomValues(new Uint32Array(MOST_SEEDS)));
}

export const useBench = create<Bench>()(
  persist(
    (set) => ({
      axes: { sets: ["together"], weights: [null], seeds: 2, providers: [] },
      seeds: freshSeeds(),
      run: null,
      set: (part) => set(({ axes }) => ({ axes: { ...axes, ...part } })),
      roll: () => set({ seeds: freshSeeds() }),
      begin: (run) => set({ run }),
      place: (id, row, column, part) =>
        set(({ run }) => {
          if (run?.id !== id) return {};
          const changed = (cell: Cell) => cell.row === row && cell.column === column;
          const cells = run.cells.map((cell) => (changed(cell) ? { ...cell, ...part } : cell));
          return { run: { ...run, cells } };
        }),
    }),
    {
      name: "clippy.variations",
      version: 1,
      storage: createJSONStorage(() => tabStorage),
      partialize: ({ axes, seeds, run }) => ({ axes, seeds, run }),
    },
  ),
);

export function runRowOf({ references, ...row }: Plan["rows"][number]): RunRow {
  return {
    ...row,
    references: references.map(({ key, role, weight, title, source }) => ({
      key,
      role,
      weight,
      title,
      gallery: source.kind === "gallery" ? source.id : null,
    })),
  };
}

/** The references of a row, from those that there are now, and how many own ones are gone. */
export function referencesOf(
  { references }: RunRow,
  present: readonly Reference[],
): { found: NewReference[]; gone: number } {
  const found = references.flatMap(({ key, gallery, ...rest }): NewReference[] => {
    const known = present.find((reference) => reference.key === key);
    if (known !== undefined) return [{ ...known, ...rest }];
    return gallery === null ? [] : [{ ...rest, source: { kind: "gallery", id: gallery } }];
  });
  return { found, gone: references.length - found.length };
}
