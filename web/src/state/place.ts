/** The view that is shown. It is part of the address, for reloads, bookmarks and *Back*. */

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

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => window.removeEventListener("hashchange", onChange);
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, () => placeOf(window.location.hash));
}
