/** The drawing of this tab, kept as it changes: what is on the pad with all its steps, and the references. */

import { create } from "zustand";

import { told } from "@/api/problem";
import { uniqueId } from "@/lib/id";
import { EMPTY, isEmpty } from "@/pad/drawing";
import { begun } from "@/pad/history";
import { usePad } from "@/pad/store";
import { useTray } from "@/tray/tray";

import { listDocuments, Overtaken, readDocument, writeDocument, type Content } from "./keep";
import { olderContent } from "./older";
import { claim, isAlone, readTab, writeTab } from "./tab";

interface Current {
  id: string;
  name: string;
  /** The last writing of it by this tab, or the one that was read; null for a drawing that is not kept yet. */
  revision: string | null;
  /** Why it cannot be kept, while that is so. */
  fault: string | null;
  /** What happened to the drawing that a person did not ask for. */
  notice: string | null;
  restore: () => Promise<void>;
  /** Opens a drawing of the list; as a copy where another tab has it. */
  open: (id: string) => Promise<void>;
  /** Begins a new drawing, with the same references. */
  begin: () => Promise<void>;
  rename: (name: string) => void;
  dismiss: () => void;
}

function freshName(): string {
  return `Drawing of ${new Date().toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })}`;
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
    // What is drawn while the kept drawing is looked for is a drawing of its own.
    set({ id, name: freshName() });
    try {
      const had = readTab();
      if (had !== null) await show(had);
      else if (await isAlone()) await showLatest();
    } catch (error) {
      set({ fault: told(error) });
    }
    if (read().id === id) await take(id);
    usePad.setState({ ready: true });
    if (isWorth(content()) && read().revision === null) void keep();
  },
  open: async (id) => {
    await settled();
    if (!(await show(id))) throw new Error("This drawing is not there any more.");
  },
  begin: async () => {
    await settled();
    const id = uniqueId();
    await take(id);
    const { width, height } = usePad.getState().history.present;
    set({ id, name: freshName(), revision: null, notice: null });
    usePad.setState({ history: begun({ ...EMPTY, width, height }) });
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
  return { history: usePad.getState().history, references: useTray.getState().references };
}

/** Whether there is anything to lose. */
function isWorth({ history, references }: Content): boolean {
  return references.length > 0 || history.past.length > 0 || history.future.length > 0 || !isEmpty(history.present);
}

async function take(id: string): Promise<void> {
  await claim(id);
  writeTab(id);
}

/** Shows a kept drawing; false when there is none of this id. */
async function show(id: string): Promise<boolean> {
  const kept = await readDocument(id);
  if (kept === null) return false;
  const { history, references } = kept;
  // Something was pasted while it was looked for: that is a drawing of its own.
  if (!usePad.getState().ready && isWorth(content())) return true;
  if (await claim(id)) {
    writeTab(id);
    put({ history, references });
    useDocument.setState({ id, name: kept.name, revision: kept.revision, notice: null });
    return true;
  }
  const copy = uniqueId();
  await take(copy);
  put({ history, references });
  useDocument.setState({ id: copy, name: copyOf(kept.name), revision: null, notice: "This drawing is open in another tab, so this one is a copy of it." });
  await keep();
  return true;
}

/** Goes on with what was drawn last, when no other tab is there to have it. */
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

let putting = false;

function put({ history, references }: Content): void {
  putting = true;
  usePad.setState({ history });
  useTray.setState({ references: [...references] });
  putting = false;
}

/** Writes one after the other, always the newest: strokes come faster than databases write. */
let writing: Promise<void> | null = null;
let waiting = false;

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
      if (useDocument.getState().id === id) useDocument.setState({ revision: written, fault: null });
    } catch (error) {
      if (error instanceof Overtaken) await fork();
      else useDocument.setState({ fault: told(error) });
    }
  }
}

/** Another tab has written the same drawing: this one goes on as a copy, and both are kept. */
async function fork(): Promise<void> {
  const id = uniqueId();
  await take(id);
  useDocument.setState(({ name }) => ({ id, name: copyOf(name), revision: null, notice: "This drawing was changed in another tab, so what is here is kept as a copy." }));
  waiting = true;
}

usePad.subscribe((state, before) => {
  if (!putting && state.ready && before.ready && state.history !== before.history && isKnown()) void keep();
});
useTray.subscribe((state, before) => {
  if (!putting && state.references !== before.references && isKnown()) void keep();
});

/** A drawing that nothing was done to is not kept; one that was emptied is. */
function isKnown(): boolean {
  const { id, revision } = useDocument.getState();
  return id !== "" && usePad.getState().ready && (revision !== null || isWorth(content()));
}
