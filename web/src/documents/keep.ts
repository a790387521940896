/** Drawings in the browser's database. A write replaces only the revision that the writer knows. */

import { answer, transact } from "@/lib/database";
import { uniqueId } from "@/lib/id";
import { fields, isFields, list, number, text, texts } from "@/lib/json";
import type { Base, Drawing } from "@/pad/drawing";
import type { History } from "@/pad/history";
import { isBase, isMadePlace } from "@/pad/restored";
import { isReference, type Reference } from "@/references/store";

import { pack, unpack } from "./pack";

/** A drawing with its steps, and the references beside it. */
export interface Content {
  history: History<Drawing>;
  references: readonly Reference[];
}

/** The entry of a drawing in a list. */
export interface ListedDocument {
  id: string;
  name: string;
  changedAt: number;
  strokes: number;
}

export interface StoredDocument extends Content {
  id: string;
  name: string;
  /** Changes with each write. */
  revision: string;
}

/** Another tab wrote the drawing since it was read here. */
export class RevisionConflict extends Error {}

/** The ids of pictures that are stored. Pictures never change. */
const ids = new WeakMap<object, string>();
const written = new Set<string>();

function idOf(picture: object): string {
  const id = ids.get(picture) ?? uniqueId();
  ids.set(picture, id);
  return id;
}

type OwnSource = Extract<Reference["source"], { kind: "own" }>;

/** The pictures of a drawing by their ids. */
function picturesOf({ history, references }: Content): Map<string, Base | OwnSource> {
  const pictures = new Map<string, Base | OwnSource>();
  for (const { base } of [...history.past, history.present, ...history.future]) {
    if (base !== null) pictures.set(idOf(base), base);
  }
  for (const { source } of references) {
    if (source.kind === "own") pictures.set(idOf(source), source);
  }
  return pictures;
}

/** Writes a drawing over the known revision, or as a new one for null. Returns the new revision. */
export async function writeDocument(
  id: string,
  name: string,
  content: Content,
  known: string | null,
): Promise<string> {
  const revision = uniqueId();
  const pictures = picturesOf(content);
  const history = pack(content.history, idOf);
  const references = content.references.map(({ source, ...rest }) => ({
    ...rest,
    source: source.kind === "own" ? { kind: "own", picture: idOf(source) } : source,
  }));
  await transact(["shelf", "documents", "pictures", "made"], "readwrite", async (transaction) => {
    const shelf = transaction.objectStore("shelf");
    const before: unknown = await answer<unknown>(shelf.get(id));
    if (isFields(before) && before["revision"] !== known)
      throw new RevisionConflict("The drawing was changed in another tab.");
    // All writes start at once: a tab that is being closed has no time to await each of them.
    const writing: Promise<unknown>[] = [];
    for (const [key, picture] of pictures) {
      if (written.has(key)) continue;
      const whole: Base = { width: 0, height: 0, name: "", ...picture };
      const { url, width, height, name: title, from } = whole;
      const stored = { id: key, url, width, height, name: title, ...(from && { from }) };
      writing.push(answer(transaction.objectStore("pictures").put(stored)));
    }
    const strokes = content.history.present.strokes.length;
    writing.push(answer(transaction.objectStore("documents").put({ id, history, references })));
    writing.push(
      answer(
        shelf.put({
          id,
          name,
          changedAt: Date.now(),
          revision,
          strokes,
          pictures: [...pictures.keys()],
        }),
      ),
    );
    await Promise.all(writing);
    await dropPictures(
      transaction,
      texts(fields(before)["pictures"]).filter((key) => !pictures.has(key)),
    );
  });
  for (const key of pictures.keys()) written.add(key);
  return revision;
}

/** Deletes those of the pictures that are no longer used. */
export async function dropPictures(
  transaction: IDBTransaction,
  keys: readonly string[],
): Promise<void> {
  for (const key of keys) {
    const counts = await Promise.all(
      (["shelf", "made"] as const).map((store) =>
        answer(transaction.objectStore(store).index("pictures").count(key)),
      ),
    );
    if (counts.some((count) => count > 0)) continue;
    await answer(transaction.objectStore("pictures").delete(key));
    written.delete(key);
  }
}

/** The stored pictures of these ids. */
export async function readPictures(
  transaction: IDBTransaction,
  keys: readonly string[],
): Promise<Map<string, Base>> {
  const found = new Map<string, Base>();
  for (const key of keys) {
    const picture: unknown = await answer<unknown>(transaction.objectStore("pictures").get(key));
    if (isBase(picture)) {
      const { url, width, height, name, from } = picture;
      found.set(key, { url, width, height, name, ...(isMadePlace(from) && { from }) });
    }
  }
  return found;
}

/** Stores a picture, and returns its id. */
export async function writePicture(transaction: IDBTransaction, picture: Base): Promise<string> {
  const id = idOf(picture);
  await answer(transaction.objectStore("pictures").put({ id, ...picture }));
  return id;
}

/** The drawing, or null if it does not exist (any more). */
export async function readDocument(id: string): Promise<StoredDocument | null> {
  return transact(["shelf", "documents", "pictures"], "readonly", async (transaction) => {
    const shelved = fields(await answer<unknown>(transaction.objectStore("shelf").get(id)));
    const given = fields(await answer<unknown>(transaction.objectStore("documents").get(id)));
    const revision = text(shelved["revision"]);
    if (revision === null) return null;
    const pictures = await readPictures(transaction, texts(shelved["pictures"]));
    const history = unpack(given["history"], pictures);
    if (history === null) return null;
    const references = list(given["references"]).flatMap((reference): Reference[] => {
      const { source, ...rest } = fields(reference);
      const own = text(fields(source)["picture"]);
      const url = own === null ? undefined : pictures.get(own)?.url;
      const whole = { ...rest, source: own === null ? source : { kind: "own", url } };
      if (!isReference(whole)) return [];
      if (own !== null) ids.set(whole.source, own);
      return [whole];
    });
    for (const [key, picture] of pictures) {
      ids.set(picture, key);
      written.add(key);
    }
    return { id, name: text(shelved["name"]) ?? "Drawing", revision, history, references };
  });
}

/** The drawings of this browser, the newest first. */
export async function listDocuments(most: number): Promise<ListedDocument[]> {
  return transact(["shelf"], "readonly", async (transaction) => {
    const index = transaction.objectStore("shelf").index("changedAt");
    const found: ListedDocument[] = [];
    const asked = index.openCursor(null, "prev");
    for (let cursor = await answer(asked); cursor !== null && found.length < most;) {
      const { id, name, changedAt, strokes } = fields(cursor.value);
      if (typeof id === "string")
        found.push({
          id,
          name: text(name) ?? "Drawing",
          changedAt: number(changedAt) ?? 0,
          strokes: number(strokes) ?? 0,
        });
      const next = answer(asked);
      cursor.continue();
      cursor = await next;
    }
    return found;
  });
}

export async function deleteDocument(id: string): Promise<void> {
  await transact(["shelf", "documents", "pictures", "made"], "readwrite", async (transaction) => {
    const shelf = transaction.objectStore("shelf");
    const before: unknown = await answer<unknown>(shelf.get(id));
    await answer(shelf.delete(id));
    await answer(transaction.objectStore("documents").delete(id));
    await dropPictures(transaction, texts(fields(before)["pictures"]));
  });
}
