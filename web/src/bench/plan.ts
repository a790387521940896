/** The grid of the bench: which references, weights, seeds and providers are compared. */

import type { Reference } from "@/references/store";

/** Which references a row has. */
export type SetName = "together" | "each" | "none";

export interface Axes {
  sets: readonly SetName[];
  /** Weights that replace those of the references, 0..1; null keeps them. */
  weights: readonly (number | null)[];
  /** How many seeds. */
  seeds: number;
  /** The names of providers. */
  providers: readonly string[];
}

/** What the pictures of a row are made from. */
export interface Row {
  key: string;
  title: string;
  references: readonly Reference[];
  weight: number | null;
}

export interface Column {
  key: string;
  provider: string;
  seed: number;
}

export interface Plan {
  rows: readonly Row[];
  columns: readonly Column[];
}

export const WEIGHTS = [null, 0.25, 0.5, 0.75, 1] as const;
export const MOST_SEEDS = 4;
/** Pictures of one run. More could not be looked at side by side. */
export const MOST_CELLS = 48;

/** A set of references, with the same weight for all of them unless it is null. */
function rowOf(name: string, title: string, set: readonly Reference[], weight: number | null): Row {
  return {
    key: `${name} ${weight ?? "as set"}`,
    title,
    weight,
    references: weight === null ? set : set.map((reference) => ({ ...reference, weight })),
  };
}

/** The rows and columns. A row that another one equals is left out. */
export function planOf(
  axes: Axes,
  references: readonly Reference[],
  seeds: readonly number[],
): Plan {
  const sets: [name: string, title: string, set: readonly Reference[]][] = [];
  if (references.length > 0 && axes.sets.includes("together")) {
    sets.push(["together", "All references", references]);
  }
  const alone = references.length > 1 || !axes.sets.includes("together");
  if (axes.sets.includes("each") && alone) {
    for (const reference of references) {
      sets.push([reference.key, reference.title, [reference]]);
    }
  }
  const rows = sets.flatMap(([name, title, set]) =>
    axes.weights.map((weight) => rowOf(name, title, set, weight)),
  );
  if (axes.sets.includes("none") || references.length === 0) {
    rows.push(rowOf("none", "Without references", [], null));
  }
  const columns = axes.providers.flatMap((provider) =>
    seeds
      .slice(0, axes.seeds)
      .map((seed) => ({ key: `${provider} ${seed}`, provider, seed })),
  );
  return { rows, columns };
}

/** Why the plan cannot be carried out, or null. */
export function planFault({ rows, columns }: Plan): string | null {
  const cells = rows.length * columns.length;
  if (rows.length === 0) return "Choose which references are used";
  if (columns.length === 0) return "Choose a provider";
  if (cells <= MOST_CELLS) return null;
  return `These are ${cells} pictures, and ${MOST_CELLS} can be compared at once. Choose fewer.`;
}

/** The price of several pictures, from those of each. */
export interface Price {
  usd: number;
  /** How many have no known price. */
  unknown: number;
}

export function totalOf(prices: readonly (number | null)[]): Price {
  const known = prices.filter((price) => price !== null);
  return {
    usd: known.reduce((sum, price) => sum + price, 0),
    unknown: prices.length - known.length,
  };
}

export function priceText({ usd, unknown }: Price): string {
  const known = usd === 0 ? "Free" : `About $${usd.toFixed(2)}`;
  if (unknown === 0) return known;
  const rest = `${unknown} of unknown price`;
  return usd === 0 ? rest : `${known}, and ${rest}`;
}

export function toggled<T>(values: readonly T[], value: T): T[] {
  return values.includes(value) ? values.filter((known) => known !== value) : [...values, value];
}
