/** The browser's database: drawings, their pictures, and what pictures were generated from. */

const NAME = "clippy";
const VERSION = 1;

export type Store = "shelf" | "documents" | "pictures" | "made";

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open(NAME, VERSION);
    opening.onupgradeneeded = () => {
      const database = opening.result;
      const shelf = database.createObjectStore("shelf", { keyPath: "id" });
      shelf.createIndex("changedAt", "changedAt");
      shelf.createIndex("pictures", "pictures", { multiEntry: true });
      database.createObjectStore("documents", { keyPath: "id" });
      database.createObjectStore("pictures", { keyPath: "id" });
      const made = database.createObjectStore("made", { keyPath: "job" });
      made.createIndex("at", "at");
      made.createIndex("pictures", "pictures", { multiEntry: true });
    };
    opening.onsuccess = () => {
      const database = opening.result;
      // A later version of the page cannot upgrade the database while this one has it open.
      database.onversionchange = () => {
        database.close();
        opened = null;
      };
      database.onclose = () => {
        opened = null;
      };
      resolve(database);
    };
    opening.onerror = () =>
      reject(opening.error ?? new Error("The browser's database cannot be opened."));
    opening.onblocked = () =>
      reject(
        new Error(
          "Another tab has an older version of this page. Close that tab, and reload this one.",
        ),
      );
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

/** The result of a request. */
export function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () =>
      reject(request.error ?? new Error("The browser's database did not answer."));
  });
}

/** Runs the work in one transaction. The work may await nothing but the database. */
export async function transact<T>(
  stores: readonly Store[],
  mode: "readonly" | "readwrite",
  work: (transaction: IDBTransaction) => Promise<T>,
): Promise<T> {
  const transaction = (await open()).transaction(stores, mode);
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () =>
      reject(transaction.error ?? new Error("The browser's database aborted the transaction."));
  });
  try {
    const result = await work(transaction);
    await done;
    return result;
  } catch (error) {
    done.catch(() => undefined);
    try {
      transaction.abort();
    } catch {
      // The transaction is over already.
    }
    throw error;
  }
}
