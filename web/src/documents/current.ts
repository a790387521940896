/** The drawing of this tab, with its steps and references. It is stored as it changes. */

import { create } from "zustand";

import { messageOf } from "@/api/problem";
import { uniqueId } from "@/lib/id";
import { EMPTY, isEmpty, type Drawing } from "@/pad/drawing";
import { startHistory } from "@/pad/history";
import { usePad } from "@/pad/store";
import { wholePaper } from "@/pad/view";
import { useReferences } from "@/references/store";

import { listDocuments, readDocument, RevisionConflict, writeDocument, type Content } from "./keep";
import { olderContent } from "./older";
import { claim, isAlone, readTab, writeTab } from "./tab";

interface Current {
  id: string;
  name: string;
  /** The revision that this tab read or wrote last; null while it is not stored. */
  revision: string | null;
  /** Why it cannot be stored. */
  fault: string | null;
  /** A change of the drawing that the artist did not ask for. */
  notice: string | null;
  restore: () => Promise<void>;
  /** Opens a drawing of the list, or a copy of it if another tab has it open. */
  open: (id: string) => Promise<void>;
  /** Starts a new drawing, with the same references. */
  begin: () => Promise<void>;
  rename: (name: string) => void;
  dismiss: () => void;
}

function freshName(): string {
  const at = new Date().toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
  return `Drawing, ${at}`;
}

const copyOf = (name: string) => (name.endsWith(" (copy)") ? name : `${name} (copy)`);

export const useDocument = create<Current>()((set, read) => ({
  id: "",
  name: "",
  revision: null,
  fault: null,
  notice: null,
  restore: async () => {
    if (read().id !== "") return;
    const id = uniqueId();
    // Strokes made while the stored drawing is loaded belong to a new drawing.
    set({ id, name: freshName() });
    try {
      const had = readTab();
      if (had !== null) await show(had);
      else if (await isAlone()) await showLatest();
    } catch (error) {
      set({ fault: messageOf(error) });
    }
    if (read().id === id) await take(id);
    usePad.setState({ ready: true });
    if (isWorth(content()) && read().revision === null) void keep();
  },
  open: async (id) => {
    await settled();
    if (!(await show(id))) throw new Error("This drawing does not exist any more.");
  },
  begin: async () => {
    await settled();
    const id = uniqueId();
    await take(id);
    const { width, height } = usePad.getState().history.present;
    set({ id, name: freshName(), revision: null, notice: null });
    const fresh = startHistory({ ...EMPTY, width, height });
    usePad.setState({ history: fresh, ...untouched(fresh.present) });
    usePad.getState().toLines();
  },
  rename: (name) => {
    const wanted = name.trim();
    if (wanted === "" || wanted === read().name) return;
    set({ name: wanted });
    void keep();
  },
  dismiss: () => set({ notice: null }),
}));

function content(): Content {
  return { history: usePad.getState().history, references: useReferences.getState().references };
}

/** Whether there is anything to lose. */
function isWorth({ history, references }: Content): boolean {
  return (
    references.length > 0 ||
    history.past.length > 0 ||
    history.future.length > 0 ||
    !isEmpty(history.present)
  );
}

async function take(id: string): Promise<void> {
  await claim(id);
  writeTab(id);
}

/** Shows a stored drawing. False if it does not exist. */
async function show(id: string): Promise<boolean> {
  const kept = await readDocument(id);
  if (kept === null) return false;
  const { history, references } = kept;
  // A picture that was pasted while the drawing was loaded belongs to a new drawing.
  if (!usePad.getState().ready && isWorth(content())) return true;
  if (await claim(id)) {
    writeTab(id);
    put({ history, references });
    const { name, revision } = kept;
    useDocument.setState({ id, name, revision, notice: null });
    return true;
  }
  const copy = uniqueId();
  await take(copy);
  put({ history, references });
  useDocument.setState({
    id: copy,
    name: copyOf(kept.name),
    revision: null,
    notice: "This drawing is open in another tab, so that this is a copy.",
  });
  await keep();
  return true;
}

/** Shows the drawing that was changed last. */
async function showLatest(): Promise<void> {
  const older = await olderContent();
  if (older !== null) {
    put(older.content);
    useDocument.setState({ name: "Drawing" });
    const { id } = useDocument.getState();
    await take(id);
    await keep();
    await older.forget();
    return;
  }
  const [latest] = await listDocuments(1);
  if (latest !== undefined) await show(latest.id);
}

/** True while a stored drawing is shown, which is no change to store. */
let putting = false;

/** The state of the pad when a drawing is opened: nothing is selected, and all of it is shown. */
const untouched = (drawing: Drawing) => ({
  selection: new Set<string>(),
  view: wholePaper(drawing),
});

function put({ history, references }: Content): void {
  putting = true;
  usePad.setState({ history, ...untouched(history.present) });
  usePad.getState().toLines();
  useReferences.getState().replace(references);
  putting = false;
}

/** One write at a time, of the newest state: strokes may be faster than the database. */
let writing: Promise<void> | null = null;
let waiting = false;
/** A write that failed is repeated, since the next stroke may be long in coming. */
const RETRY_AFTER = 5_000;
let retry: ReturnType<typeof setTimeout> | undefined;

function keep(): Promise<void> {
  waiting = true;
  writing ??= write().finally(() => {
    writing = null;
  });
  return writing;
}

async function settled(): Promise<void> {
  await writing;
}

async function write(): Promise<void> {
  while (waiting) {
    waiting = false;
    const { id, name, revision } = useDocument.getState();
    try {
      const written = await writeDocument(id, name, content(), revision);
      if (useDocument.getState().id === id)
        useDocument.setState({ revision: written, fault: null });
    } catch (error) {
      if (error instanceof RevisionConflict) await fork();
      else {
        useDocument.setState({ fault: messageOf(error) });
        clearTimeout(retry);
        retry = setTimeout(() => void keep(), RETRY_AFTER);
      }
    }
  }
}

/** Continues as a copy after another tab wrote the same drawing, so that both are stored. */
async function fork(): Promise<void> {
  const id = uniqueId();
  await take(id);
  useDocument.setState(({ name }) => ({
    id,
    name: copyOf(name),
    revision: null,
    notice: "This drawing was changed in another tab, so that this is a copy.",
  }));
  waiting = true;
}

usePad.subscribe((state, before) => {
  const changed = state.ready && before.ready && state.history !== before.history;
  if (!putting && changed && isKnown()) void keep();
});
useReferences.subscribe((state, before) => {
  if (!putting && state.references !== before.references && isKnown()) void keep();
});

/** An untouched drawing is not stored. One that was emptied again is. */
function isKnown(): boolean {
  const { id, revision } = useDocument.getState();
  return id !== "" && usePad.getState().ready && (revision !== null || isWorth(content()));
}
