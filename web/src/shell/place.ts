/** Where on the page one is. It stands in the address, so that back, reload and bookmarks work. */

import { useSyncExternalStore } from "react";

export const PLACES = ["studio", "history", "admin"] as const;
export type Place = (typeof PLACES)[number];

export function placeOf(hash: string): Place {
  const named = hash.replace(/^#\/?/, "");
  return PLACES.find((place) => place === named) ?? "studio";
}

export function goTo(place: Place): void {
  window.location.hash = `/${place}`;
}

function subscribe(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, () => placeOf(window.location.hash));
}
