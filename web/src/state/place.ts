/**
 * The view that is shown. It is part of the address, for reloads, bookmarks and *Back*: `#/boards`,
 * or `#/boards/ID` for a part of the view.
 */

import { useSyncExternalStore } from "react";

export const PLACES = ["studio", "boards", "bench", "map", "history", "admin", "shared"] as const;
export type Place = (typeof PLACES)[number];

/** The parts of an address between its slashes. */
function partsOf(hash: string): string[] {
  return hash.replace(/^#\/?/, "").split("/");
}

export function placeOf(hash: string): Place {
  const [named] = partsOf(hash);
  return PLACES.find((place) => place === named) ?? "studio";
}

/** The part of the view that an address names; empty for none. */
export function partOf(hash: string): string {
  const [, part = ""] = partsOf(hash);
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

export function goTo(place: Place, part = ""): void {
  window.location.hash = part === "" ? `/${place}` : `/${place}/${encodeURIComponent(part)}`;
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => window.removeEventListener("hashchange", onChange);
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, () => placeOf(window.location.hash));
}

/** The part of the view that is shown. */
export function usePart(): string {
  return useSyncExternalStore(subscribe, () => partOf(window.location.hash));
}
