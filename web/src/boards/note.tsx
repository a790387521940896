import { StickyNote } from "lucide-react";
import { useState } from "react";

import type { BoardItem } from "@/api/boards";
import { changeNote } from "@/api/use-boards";
import { Button } from "@/ui/button";
import { Textarea } from "@/ui/controls";
import { Notice } from "@/ui/states";

interface NoteProps {
  board: string;
  item: BoardItem;
  title: string;
}

/** Notes that were typed and neither saved nor cancelled, by their board and picture. */
const drafts = new Map<string, string>();

/** The note of a picture. What was typed stays until it is saved, also when the board is left. */
export function Note({ board, item, title }: NoteProps) {
  const place = `${board} ${item.id}`;
  const [editing, setEditing] = useState(drafts.has(place));
  if (editing) {
    const done = () => {
      drafts.delete(place);
      setEditing(false);
    };
    return <Editor {...{ board, item, title, place }} onDone={done} />;
  }
  if (item.note === "") {
    return (
      <Button
        look="ghost"
        size="tiny"
        className="self-start px-1"
        aria-label={`Add a note to ${title}`}
        onClick={() => setEditing(true)}
      >
        <StickyNote />
        Add a note
      </Button>
    );
  }
  return (
    <button
      type="button"
      aria-label={`Edit the note of ${title}: ${item.note}`}
      dir="auto"
      className="line-clamp-3 rounded-sm px-0.5 text-left text-xs whitespace-pre-line text-soft
        hover:text-ink"
      onClick={() => setEditing(true)}
    >
      {item.note}
    </button>
  );
}

interface EditorProps extends NoteProps {
  /** The key of its draft. */
  place: string;
  onDone: () => void;
}

function Editor({ board, item, title, place, onDone }: EditorProps) {
  const [text, setText] = useState(drafts.get(place) ?? item.note);
  // The note that the artist saw: when the editor was opened, or in another tab's words below it.
  const [seen, setSeen] = useState(item.note);
  const [theirs, setTheirs] = useState<string | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const other = await changeNote(board, item.id, text.trim(), seen);
      if (other === null) {
        onDone();
        return;
      }
      setTheirs(other);
      setSeen(other);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="flex flex-col gap-1.5"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Textarea
        aria-label={`Note about ${title}`}
        rows={3}
        maxLength={1000}
        // eslint-disable-next-line jsx-a11y/no-autofocus -- the user has just asked for this field
        autoFocus={!drafts.has(place)}
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          drafts.set(place, target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") onDone();
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void save();
        }}
        className="px-2 py-1.5 text-xs"
      />
      {theirs !== null && (
        <p role="alert" className="text-xs text-ruby">
          Another tab has changed this note: “{theirs}”. Save again to replace it by yours.
        </p>
      )}
      {failure !== null && <Notice error={failure} className="px-2 text-xs" />}
      <div className="flex gap-1.5">
        <Button size="tiny" type="submit" disabled={busy}>
          Save note
        </Button>
        <Button size="tiny" look="ghost" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
