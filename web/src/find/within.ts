/**
 * The pictures that a search is limited to: those inside of a line on the map. They may be
 * thousands, so the form's state, which is written and compared at every key, has only the line. A
 * tab remembers the ids of its last choice.
 */

import { uniqueId } from "@/lib/id";
import { fields, number, parsed, text, texts } from "@/lib/json";
import { tabOnly } from "@/lib/tab-storage";

export interface Within {
  /** Names the choice. */
  key: string;
  /** The map, and the corners of the line as they are sent. */
  space: string;
  area: string;
  /** When the map was made, in seconds since 1970. On a newer one, the line has others inside. */
  made: number;
}

interface Region extends Pick<Within, "space" | "made"> {
  line: readonly { x: number; y: number }[];
}

/** How many ids a tab remembers. */
export const MOST_WITHIN = 20_000;

interface Kept {
  key: string;
  ids: readonly string[];
}

const NAME = "clippy.within";
let kept: Kept | null = null;

function lastKept(): Kept | null {
  if (kept !== null) return kept;
  const stored = fields(parsed(tabOnly.get(NAME) ?? "null"));
  const [key, ids] = [text(stored["key"]), texts(stored["ids"])];
  if (key === null || ids.length === 0) return null;
  kept = { key, ids };
  return kept;
}

/** Remembers a choice. */
export function keepWithin(ids: readonly string[], { space, made, line }: Region): Within {
  kept = { key: uniqueId(), ids };
  tabOnly.set(NAME, JSON.stringify(kept));
  const area = line.map(({ x, y }) => `${x},${y}`).join(" ");
  return { key: kept.key, space, area, made };
}

/** The ids of a choice; none if it is not the last one of this tab. */
export function idsWithin({ key }: Pick<Within, "key">): readonly string[] {
  const last = lastKept();
  return last?.key === key ? last.ids : [];
}

/** A stored choice, or null if this tab does not have its ids. */
export function knownWithin(stored: unknown): Within | null {
  const given = fields(stored);
  const [key, made] = [text(given["key"]), number(given["made"])];
  const [space, area] = [text(given["space"]), text(given["area"])];
  if (key === null || made === null || space === null || area === null) return null;
  return idsWithin({ key }).length > 0 ? { key, space, area, made } : null;
}
