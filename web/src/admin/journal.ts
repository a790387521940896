/** The journal of changes as a list: what was changed, by whom, and whether it can be undone. */

import { api, body, type Schemas } from "@/api/client";
import { count, plural, words } from "@/lib/format";
import { fields, list, text, texts, type Fields } from "@/lib/json";

type Line = Schemas["ChangeLine"];

export interface Recorded {
  /** The id of the job or the call. */
  change: string;
  action: string;
  /** In words: *Deleted 12 pictures*. */
  what: string;
  /** Which pictures, in words; null where that is not known. */
  where: string | null;
  /** The name of a key, if there is one. */
  by: string | null;
  /** When, in milliseconds since 1970. */
  at: number;
  state: "running" | "ended" | "stopped";
  /** `none` if there is nothing to undo. */
  undo: "possible" | "undone" | "expired" | "none";
}

/** Who calls a server without keys. */
const NOBODY = "local";
/** How long a change can be undone, in milliseconds. What is hidden has no limit. */
const KEPT = 30 * 86_400_000;

/** The newest lines of the journal. A change of many pictures has one when it begins and ends. */
export async function readJournal(limit: number): Promise<Line[]> {
  return body(await api.GET("/api/admin/changes", { params: { query: { limit } } })).changes;
}

/** The changes of these lines, both the newest first. `now` is in milliseconds since 1970. */
export function recordedOf(lines: readonly Line[], now: number): Recorded[] {
  const changes = new Map<string, Line[]>();
  for (const line of lines) changes.set(line.change, [...(changes.get(line.change) ?? []), line]);
  const undone = undoneOf([...changes.values()]);
  return [...changes.values()].map((some) => {
    const entry = recorded(some, undone, now);
    const earlier = changes.get(undoneBy(partsOf(some).request) ?? "");
    // An undoing is called by what it undid, unless only a part of that was put back.
    if (earlier === undefined || entry.state !== "ended") return entry;
    const { what } = recorded(earlier, undone, now);
    return some[0]?.pictures === earlier[0]?.pictures
      ? { ...entry, what: `Undid: ${what}` }
      : entry;
  });
}

/** The last line of a change, and the request that its first line has. */
function partsOf(lines: readonly Line[]): { last: Line; stage: string; request: Fields } {
  const [last] = lines as [Line];
  const begun = lines.find(({ detail }) => fields(detail)["request"] !== undefined);
  const detail = fields(last.detail);
  return {
    last,
    stage: text(detail["stage"]) ?? "done",
    request: fields(fields(begun?.detail)["request"]),
  };
}

/** The id of a picture: a number or a UUID. */
function idOf(id: unknown): string | null {
  return typeof id === "number" ? String(id) : text(id);
}

/** What was put back: changes by their id, and pictures by theirs. */
interface Undone {
  changes: ReadonlySet<string>;
  /** When each picture was put back last, in seconds since 1970. */
  pictures: ReadonlyMap<string, number>;
}

/** The change that a request undoes, or null. */
function undoneBy(request: Fields): string | null {
  return text(fields(request["filter"])["change"]);
}

function undoneOf(changes: readonly (readonly Line[])[]): Undone {
  const found = { changes: new Set<string>(), pictures: new Map<string, number>() };
  for (const lines of changes) {
    const { last, stage, request } = partsOf(lines);
    if (last.action !== "restore" || (stage === "done" && last.pictures === 0)) continue;
    const change = undoneBy(request);
    if (change !== null) found.changes.add(change);
    for (const id of list(fields(request["filter"])["ids"]).map(idOf)) {
      if (id !== null) found.pictures.set(id, last.at);
    }
  }
  return found;
}

function recorded(lines: readonly Line[], undone: Undone, now: number): Recorded {
  const { last, stage, request } = partsOf(lines);
  const { change, action, by = null, at, pictures } = last;
  const state = stage === "begun" ? "running" : stage === "done" ? "ended" : "stopped";
  // Pictures are put back by their ids after they were removed; edits are not undone by that.
  const isRemoved = action === "delete" || action === "hide";
  const picture = isRemoved ? idOf(fields(last.detail)["id"]) : null;
  const putBack = picture === null ? undefined : undone.pictures.get(picture);
  const isUndone = undone.changes.has(change) || (putBack !== undefined && putBack >= at);
  const isExpired = action !== "hide" && at * 1000 + KEPT < now;
  const isNothing = action === "restore" || (state !== "running" && pictures === 0);
  return {
    change,
    action,
    what: whatOf(last, request, state === "running"),
    where: whereOf(fields(request["filter"])),
    by: by === NOBODY ? null : by,
    at: at * 1000,
    state,
    undo: isNothing ? "none" : isUndone ? "undone" : isExpired ? "expired" : "possible",
  };
}

function whatOf({ action, pictures, detail }: Line, request: Fields, running: boolean): string {
  const number = running ? `about ${plural(pictures, "picture")}` : plural(pictures, "picture");
  const tags = texts(request["tags"]).map(words).join(", ") || "tags";
  switch (action) {
    case "delete":
      return `Deleted ${number}`;
    case "hide":
      return `Hid ${number}`;
    case "restore":
      return undoneBy(request) === null ? `Restored ${number}` : `Undid a change of ${number}`;
    case "add_tags":
      return `Added ${tags} to ${number}`;
    case "remove_tags":
      return `Removed ${tags} from ${number}`;
    case "rename_tag": {
      const [from, to] = [text(request["from"]), text(request["to"])];
      if (from === null || to === null) return `Renamed a tag of ${number}`;
      return `Renamed ${words(from)} to ${words(to)} in ${number}`;
    }
    case "edit":
      return editOf(fields(fields(detail)["edit"]));
    default:
      return `${action}: ${number}`;
  }
}

function editOf(edit: Fields): string {
  const tagged = ["tags", "add_tags", "remove_tags"].some((name) => list(edit[name]).length > 0);
  return tagged || edit["tags"] != null ? "Edited the tags of a picture" : "Edited a picture";
}

/** The conditions of a filter in words. */
function whereOf(filter: Fields): string | null {
  const ids = list(filter["ids"]).length;
  const of = (name: string, label: string) => {
    const value = text(filter[name]);
    return value === null ? [] : [`${label} ${value}`];
  };
  const tags = texts(filter["tags"]).map(words);
  const ratings = texts(filter["ratings"]);
  const parts = [
    ...(ids > 1 ? [`${count(ids)} chosen`] : []),
    ...(tags.length > 0 ? [`with ${tags.join(" and ")}`] : []),
    ...(ratings.length > 0 ? [`rated ${ratings.join(" or ")}`] : []),
    ...of("source", "from"),
    ...of("artist", "by"),
    ...of("folder", "in"),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}
