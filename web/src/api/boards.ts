/**
 * Boards: named, ordered sets of pictures. They are kept on the server. A change is sent as
 * operations on pictures, so that two tabs may change one board at the same time.
 */

import { api, body, type Schemas } from "./client";
import { pictureOf, type Picture, type Role } from "./pictures";

export type BoardRole = Schemas["BoardRoleName"];
export type BoardSummary = Schemas["BoardSummaryResponse"];

/** The address of the board that the heart puts pictures on. */
export const SAVED = "saved";
/** The server's limit of operations in one call. */
const MOST_OPERATIONS = 256;
/** The server's limit of pictures in one question. */
const MOST_ASKED = 200;

export interface BoardItem {
  id: string;
  role: BoardRole;
  weight: number;
  note: string;
  addedAt: string;
  /** Null if the picture is not in the gallery (any more), or before it is loaded. */
  picture: Picture | null;
}

export interface Board {
  id: string;
  name: string;
  saved: boolean;
  version: number;
  items: BoardItem[];
  /** What a search by this board compares with. */
  search: { like: string[]; styleLike: string[] };
}

export type Operation = Omit<Schemas["BoardOperation"], "first"> & { first?: boolean };

function itemOf(item: Schemas["BoardItemResponse"]): BoardItem {
  const { picture: id, role, weight, note, added_at: addedAt, payload } = item;
  const picture = payload == null ? null : pictureOf(id, payload);
  return { id, role, weight, note, addedAt, picture };
}

export function boardOf(answer: Schemas["BoardResponse"]): Board {
  const { id, name, saved, version, items, search } = answer;
  return {
    id,
    name,
    saved,
    version,
    items: items.map(itemOf),
    search: { like: search.like, styleLike: search.style_like },
  };
}

export async function listBoards(signal: AbortSignal): Promise<BoardSummary[]> {
  return body(await api.GET("/api/boards", { signal })).boards;
}

export async function getBoard(id: string, signal: AbortSignal): Promise<Board> {
  return boardOf(body(await api.GET("/api/boards/{id}", { params: { path: { id } }, signal })));
}

/** The ids of the pictures on a board, in their order. */
export async function getIds(id: string, signal: AbortSignal): Promise<string[]> {
  const params = { path: { id }, query: { payloads: false } };
  const answer = body(await api.GET("/api/boards/{id}", { params, signal }));
  return answer.items.map(({ picture }) => picture);
}

/** Makes a board: empty, or with the pictures of another one. */
export async function createBoard(name: string, copyOf?: string): Promise<Board> {
  const request = copyOf === undefined ? { name } : { name, copy_of: copyOf };
  return boardOf(body(await api.POST("/api/boards", { body: request })));
}

/** The header for a change of one version. */
function ifMatch(version: number | undefined) {
  return version === undefined ? {} : { header: { "If-Match": `"${version}"` } };
}

export async function renameBoard(id: string, name: string, version?: number): Promise<Board> {
  const params = { path: { id }, ...ifMatch(version) };
  return boardOf(body(await api.PATCH("/api/boards/{id}", { params, body: { name } })));
}

export async function deleteBoard(id: string, version?: number): Promise<void> {
  await api.DELETE("/api/boards/{id}", { params: { path: { id }, ...ifMatch(version) } });
}

/** Changes pictures of a board. The answer has its pictures without their fields. */
export async function changeItems(
  id: string,
  operations: readonly Operation[],
  version?: number,
): Promise<Board> {
  const params = { path: { id }, ...ifMatch(version) };
  const request = { operations: operations.map((one) => ({ first: false, ...one })) };
  return boardOf(body(await api.POST("/api/boards/{id}/items", { params, body: request })));
}

/** Puts many pictures on a board, without those that are not in the gallery. */
export async function addAll(id: string, pictures: readonly string[]): Promise<void> {
  const known: string[] = [];
  for (let at = 0; at < pictures.length; at += MOST_ASKED) {
    const ids = pictures.slice(at, at + MOST_ASKED).join(",");
    const answer = body(await api.GET("/api/pictures", { params: { query: { ids } } }));
    known.push(...answer.pictures.map((one) => pictureOf(one.id, one.payload).id));
  }
  for (let at = 0; at < known.length; at += MOST_OPERATIONS) {
    const part = known.slice(at, at + MOST_OPERATIONS);
    await changeItems(id, part.map((picture) => ({ op: "add", id: picture })));
  }
}

/** A board after operations, as the server will have it. Wrong operations change nothing. */
export function applied(
  items: readonly BoardItem[],
  operations: readonly Operation[],
  pictures: ReadonlyMap<string, Picture> = new Map(),
): BoardItem[] {
  return operations.reduce<BoardItem[]>(
    (before, operation) => appliedOne(before, operation, pictures),
    [...items],
  );
}

function appliedOne(
  items: BoardItem[],
  operation: Operation,
  pictures: ReadonlyMap<string, Picture>,
): BoardItem[] {
  const { op, id, role, weight, note } = operation;
  const known = items.find((item) => item.id === id);
  const others = items.filter((item) => item.id !== id);
  const changed = (item: BoardItem): BoardItem => ({
    ...item,
    role: role ?? item.role,
    weight: weight ?? item.weight,
    note: note ?? item.note,
  });
  switch (op) {
    case "remove":
      return others;
    case "change":
      return items.map((item) => (item.id === id ? changed(item) : item));
    case "move":
      return known === undefined ? items : inserted(items, others, known, operation);
    case "add": {
      if (known !== undefined) return items.map((item) => (item.id === id ? changed(item) : item));
      const addedAt = new Date().toISOString();
      const picture = pictures.get(id) ?? null;
      const added = changed({ id, role: "any", weight: 0.7, note: "", addedAt, picture });
      return inserted(items, others, added, operation);
    }
  }
}

function inserted(
  items: BoardItem[],
  others: BoardItem[],
  item: BoardItem,
  { first, before }: Operation,
): BoardItem[] {
  if (before === item.id) return items;
  const at = others.findIndex((other) => other.id === before);
  if (before != null && at < 0) return items;
  const index = first === true ? 0 : before == null ? others.length : at;
  return others.toSpliced(index, 0, item);
}

/** The items with the fields of the same pictures in an earlier state. */
export function withPictures(
  items: readonly BoardItem[],
  known: readonly BoardItem[],
): BoardItem[] {
  const pictures = new Map(known.map(({ id, picture }) => [id, picture]));
  return items.map((item) => ({ ...item, picture: item.picture ?? pictures.get(item.id) ?? null }));
}

/** The role of a picture as a reference: providers know two. */
export function referenceRole(role: BoardRole): Role {
  return role === "subject" ? "subject" : "style";
}

/**
 * The items for an order by importance: of equal weights, the first on the board. Those with a
 * weight of zero are left out.
 */
export function byWeight(items: readonly BoardItem[]): BoardItem[] {
  const counting = items.filter(({ weight }) => weight > 0);
  return counting.toSorted((one, other) => other.weight - one.weight);
}
