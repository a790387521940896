/** Files and folders that are dropped on the page. */

/** Files of one drop. A larger folder is better added on the server, which reads it in place. */
export const MOST_DROPPED = 2000;
const DEEPEST = 32;
/** What systems put into folders. Names that begin with a dot are hidden as well. */
const SYSTEM = new Set(["thumbs.db", "desktop.ini", "__macosx", "$recycle.bin"]);

export interface Dropped {
  /** Dropped files, and the pictures of dropped folders. */
  files: File[];
  /** Files of the folders that are no pictures. */
  others: number;
  /** Names of what could not be read. */
  unreadable: string[];
  /** Whether there are more files than are taken. */
  more: boolean;
}

export function isHidden(name: string): boolean {
  return name.startsWith(".") || SYSTEM.has(name.toLowerCase());
}

function entriesOf({ items }: DataTransfer): (FileSystemEntry | File)[] {
  return Array.from(items).flatMap((item) => {
    if (item.kind !== "file") return [];
    return item.webkitGetAsEntry() ?? item.getAsFile() ?? [];
  });
}

export function hasFolder(transfer: DataTransfer): boolean {
  return entriesOf(transfer).some((entry) => !(entry instanceof File) && entry.isDirectory);
}

/** Reads what was dropped. The entries exist during the event only, so they are taken at once. */
export function droppedFiles(transfer: DataTransfer): Promise<Dropped> {
  return walk(entriesOf(transfer));
}

/** Walks folders, in the order of their names, up to the most files that one drop may have. */
export async function walk(dropped: readonly (FileSystemEntry | File)[]): Promise<Dropped> {
  const found: Dropped = { files: [], others: 0, unreadable: [], more: false };
  const take = (file: File, inFolder: boolean) => {
    if (inFolder && !file.type.startsWith("image/")) found.others += 1;
    else if (found.files.length < MOST_DROPPED) found.files.push(file);
    else found.more = true;
  };
  const visit = async (entry: FileSystemEntry, depth: number): Promise<void> => {
    if (found.more || (depth > 0 && isHidden(entry.name))) return;
    try {
      if (isFile(entry)) take(await fileOf(entry), depth > 0);
      else if (isFolder(entry) && depth < DEEPEST) {
        for (const inside of await listed(entry)) await visit(inside, depth + 1);
      }
    } catch {
      found.unreadable.push(entry.fullPath.replace(/^\//, ""));
    }
  };
  for (const entry of dropped) {
    if (entry instanceof File) take(entry, false);
    else await visit(entry, 0);
  }
  return found;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** The entries of a folder. Browsers list them in groups, the last of which is empty. */
async function listed(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const group = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (group.length === 0 || all.length > MOST_LISTED) break;
    all.push(...group);
  }
  return all.sort((left, right) => left.name.localeCompare(right.name, "en", { numeric: true }));
}

/** Names of one folder, so that a huge one takes bounded time and memory. */
const MOST_LISTED = 20_000;
