/**
 * Boards as views see them: kept in the cache of answers, changed there at once, and then on the
 * server. Other tabs of this browser are told; other devices see a change when they come back.
 */

import { useQuery } from "@tanstack/react-query";

import { useSession } from "@/state/session";

import {
  applied,
  changeItems,
  createBoard,
  deleteBoard,
  getBoard,
  getIds,
  listBoards,
  renameBoard,
  SAVED,
  withPictures,
  type Board,
  type Operation,
} from "./boards";
import type { Picture } from "./pictures";
import { Problem } from "./problem";
import { queryClient } from "./query-client";

const BOARDS = ["boards"];
const SAVED_IDS = ["saved"];
const keyOf = (id: string) => ["board", id];

const SHARED = { staleTime: 15_000, refetchOnWindowFocus: true };

/** All boards: *Saved* first, then those that were changed last. */
export function useBoards() {
  const queryFn = ({ signal }: { signal: AbortSignal }) => listBoards(signal);
  return useQuery({ queryKey: BOARDS, queryFn, ...SHARED });
}

/** One board with its pictures. */
export function useBoard(id: string) {
  const queryFn = ({ signal }: { signal: AbortSignal }) => getBoard(id, signal);
  return useQuery({ queryKey: keyOf(id), queryFn, ...SHARED });
}

/** The ids of the pictures with a heart. */
export function useSavedIds(): readonly string[] {
  const queryFn = ({ signal }: { signal: AbortSignal }) => getIds(SAVED, signal);
  return useQuery({ queryKey: SAVED_IDS, queryFn, ...SHARED }).data ?? [];
}

/** Whether a picture has a heart, as far as it is known. */
export function isSaved(id: string): boolean {
  return queryClient.getQueryData<string[]>(SAVED_IDS)?.includes(id) ?? false;
}

/** Loads all boards again. */
export function refreshBoards(): void {
  for (const queryKey of [BOARDS, SAVED_IDS, ["board"]]) {
    void queryClient.invalidateQueries({ queryKey });
  }
}

// Boards belong to a key.
useSession.subscribe(({ key, adminKey }, before) => {
  if (key !== before.key || adminKey !== before.adminKey) refreshBoards();
});

const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("clippy.boards");
tabs?.addEventListener("message", refreshBoards);

/** The changes of a board that were not answered yet. They are sent one after the other. */
const waiting = new Map<string, { last: Promise<unknown>; count: number }>();

function inOrder<T>(id: string, send: () => Promise<T>): Promise<T> {
  const { last, count } = waiting.get(id) ?? { last: Promise.resolve(), count: 0 };
  const sent = last.then(send);
  const ended = sent.then(
    () => undefined,
    () => undefined,
  );
  waiting.set(id, { last: ended, count: count + 1 });
  return sent.finally(() => {
    const now = waiting.get(id);
    if (now === undefined) return;
    if (now.count === 1) waiting.delete(id);
    else waiting.set(id, { ...now, count: now.count - 1 });
  });
}

/** Shows a change before the server has it. */
function foresee(id: string, operations: readonly Operation[], pictures: readonly Picture[]): void {
  const known = new Map(pictures.map((picture) => [picture.id, picture]));
  void queryClient.cancelQueries({ queryKey: keyOf(id) });
  queryClient.setQueryData<Board>(keyOf(id), (board) =>
    board === undefined ? board : { ...board, items: applied(board.items, operations, known) },
  );
  if (id !== SAVED) return;
  void queryClient.cancelQueries({ queryKey: SAVED_IDS });
  queryClient.setQueryData<string[]>(SAVED_IDS, (ids = []) =>
    operations.reduce((before, { op, id: picture }) => {
      const others = before.filter((other) => other !== picture);
      return op === "add" ? [picture, ...others] : op === "remove" ? others : before;
    }, ids),
  );
}

/** Shows the server's state of a board. */
function settle(asked: string, answer: Board): void {
  if (waiting.has(asked)) return;
  queryClient.setQueryData<Board>(keyOf(answer.id), (known) =>
    known === undefined
      ? known
      : { ...answer, items: withPictures(answer.items, known.items) },
  );
  if (answer.saved) {
    queryClient.setQueryData(
      SAVED_IDS,
      answer.items.map(({ id }) => id),
    );
  }
  const shown = queryClient.getQueryData<Board>(keyOf(answer.id));
  if (shown?.items.some(({ picture }) => picture === null) === true) {
    void queryClient.invalidateQueries({ queryKey: keyOf(answer.id) });
  }
  void queryClient.invalidateQueries({ queryKey: BOARDS });
  tabs?.postMessage("changed");
}

/** Changes pictures of a board. `pictures` are those that may be new on it. */
export async function change(
  id: string,
  operations: readonly Operation[],
  pictures: readonly Picture[] = [],
): Promise<void> {
  foresee(id, operations, pictures);
  try {
    const answer = await inOrder(id, () => changeItems(id, operations));
    settle(id, answer);
  } catch (error) {
    refreshBoards();
    throw error;
  }
}

/**
 * Changes the note of a picture, if it still is what the artist saw. A note that another tab wrote
 * meanwhile is not overwritten, but returned.
 */
export async function changeNote(
  id: string,
  picture: string,
  note: string,
  seen: string,
): Promise<string | null> {
  for (;;) {
    const board = await getBoard(id, AbortSignal.timeout(60_000));
    const now = board.items.find((item) => item.id === picture);
    if (now !== undefined && now.note !== seen && now.note !== note) {
      queryClient.setQueryData(keyOf(id), board);
      return now.note;
    }
    try {
      const operations: Operation[] = [{ op: "change", id: picture, note }];
      settle(id, await inOrder(id, () => changeItems(id, operations, board.version)));
      return null;
    } catch (error) {
      // Something else on the board was changed, so that it has a new version: look again.
      if (!(error instanceof Problem && error.status === 412)) throw error;
    }
  }
}

export async function addBoard(name: string, copyOf?: string): Promise<Board> {
  const made = await createBoard(name, copyOf);
  refreshBoards();
  tabs?.postMessage("changed");
  return made;
}

export async function rename(board: Board, name: string): Promise<void> {
  await renameBoard(board.id, name);
  refreshBoards();
  tabs?.postMessage("changed");
}

/** Deletes a board, unless another tab changed it since it was shown. */
export async function removeBoard({ id, version }: Board): Promise<void> {
  try {
    await deleteBoard(id, version);
  } catch (error) {
    refreshBoards();
    throw error;
  }
  queryClient.removeQueries({ queryKey: keyOf(id) });
  refreshBoards();
  tabs?.postMessage("changed");
}
