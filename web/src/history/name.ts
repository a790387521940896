import type { Entry } from "./calls";

/** What an entry is called: the artist's words, or those of the search for its references. */
export function nameOf(entry: Pick<Entry, "words" | "searched_words" | "mode">): string {
  if (entry.words !== "") return entry.words;
  if (entry.searched_words != null) return entry.searched_words;
  return entry.mode === "edit" ? "An edit without words" : "Without words";
}
