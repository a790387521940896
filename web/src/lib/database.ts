/** The browser's database: drawings with their history, the pictures in them, and what made pictures were made from. */

const NAME = "clippy";
const VERSION = 1;

export type Store = "shelf" | "documents" | "pictures" | "made";

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      const database = asked.result;
      const shelf = database.createObjectStore("shelf", { keyPath: "id" });
      shelf.createIndex("changedAt", "changedAt");
      shelf.createIndex("pictures", "pictures", { multiEntry: true });
      database.createObjectStore("documents", { keyPath: "id" });
      database.createObjectStore("pictures", { keyPath: "id" });
      const made = database.createObjectStore("made", { keyPath: "job" });
      made.createIndex("at", "at");
      made.createIndex("pictures", "pictures", { multiEntry: true });
    };
    asked.onsuccess = () => {
      const database = asked.result;
      // A later version of the page waits until this one lets go.
      database.onversionchange = () => {
        database.close();
        opened = null;
      };
      database.onclose = () => {
        opened = null;
      };
      resolve(database);
    };
    asked.onerror = () => reject(asked.error ?? new Error("The browser's database cannot be opened."));
    asked.onblocked = () => reject(new Error("Another tab has an older version of this page open: close it, and reload this one."));
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

/** What a request answers. */
export function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("The browser's database did not answer."));
  });
}

/** All of the work, or none of it. It may wait for nothing but the database. */
export async function transact<T>(stores: readonly Store[], mode: "readonly" | "readwrite", work: (transaction: IDBTransaction) => Promise<T>): Promise<T> {
  const transaction = (await open()).transaction(stores, mode);
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("The browser's database gave up."));
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
      // It is over already.
    }
    throw error;
  }
}
