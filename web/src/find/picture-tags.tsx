import { useMutation } from "@tanstack/react-query";
import { Pencil, Trash2, Undo2 } from "lucide-react";
import { useEffect, useState } from "react";

import { setTags } from "@/api/changes";
import type { Picture } from "@/api/pictures";
import { refreshGallery } from "@/api/queries";
import { words } from "@/lib/format";
import { texts } from "@/lib/json";
import { Button } from "@/ui/button";

import { putBack, remove, undo } from "./deleted";
import { EditFailure } from "./edit-failure";
import { cycleFilter, useQueryState } from "./query-state";
import { TagEditor } from "./tag-editor";

const MOST_TAGS = 40;

interface PictureTagsProps {
  picture: Picture;
  onDeleted: () => void;
}

/** The tags of a picture. An admin edits them, or deletes the picture. */
export function PictureTags({ picture, onDeleted }: PictureTagsProps) {
  const [tags, show] = useState<readonly string[]>(picture.tags);
  const [editing, setEditing] = useState(false);
  /** The last edit and the tags before it, to undo it. */
  const [edit, setEdit] = useState<{ change: string; before: readonly string[] } | null>(null);
  const deleting = useMutation({ mutationFn: () => remove(picture.id), onSuccess: onDeleted });
  const undoing = useMutation({
    mutationFn: ({ change }: { change: string; before: readonly string[] }) => undo(change),
    onSuccess: (_, { before }) => {
      show(before);
      setEdit(null);
    },
  });
  const saved = (change: string | null, now: readonly string[]) => {
    if (change !== null) setEdit({ change, before: tags });
    show(now);
    setEditing(false);
  };
  return (
    <div className="flex flex-col gap-2">
      <h3 className="label-caps">Tags</h3>
      {editing ? (
        <EditTags id={picture.id} tags={tags} onSaved={saved} onCancel={() => setEditing(false)} />
      ) : (
        <>
          <Tags tags={tags} />
          <div className="flex flex-wrap items-center gap-1.5">
            <Button size="small" onClick={() => setEditing(true)}>
              <Pencil />
              Edit tags
            </Button>
            <Button
              size="small"
              look="danger"
              disabled={deleting.isPending}
              onClick={() => deleting.mutate()}
            >
              <Trash2 />
              Delete
            </Button>
            {edit !== null && (
              <>
                <span role="status" className="ml-1 text-[0.8125rem] text-green">
                  Saved
                </span>
                <UndoButton pending={undoing.isPending} onUndo={() => undoing.mutate(edit)} />
              </>
            )}
          </div>
        </>
      )}
      <EditFailure error={deleting.error ?? undoing.error} />
    </div>
  );
}

/** The tags, each of which filters the results. */
function Tags({ tags }: { tags: readonly string[] }) {
  const { filters, set } = useQueryState();
  if (tags.length === 0) return <p className="text-[0.8125rem] text-soft">None yet</p>;
  return (
    <ul className="flex flex-wrap gap-1">
      {tags.slice(0, MOST_TAGS).map((tag) => {
        const filter = filters.find((known) => known.tag === tag);
        return (
          <li key={tag} className="max-w-full">
            <Button
              size="tiny"
              look={filter === undefined ? "outline" : "solid"}
              title="Filter by this tag"
              className="max-w-full"
              onClick={() => set({ filters: cycleFilter(filters, tag) })}
            >
              <span className="truncate">
                {filter?.excluded === true ? "not " : ""}
                {words(tag)}
              </span>
            </Button>
          </li>
        );
      })}
    </ul>
  );
}

interface EditTagsProps {
  id: string;
  tags: readonly string[];
  /** Receives the id of the edit, null if nothing changed, and the tags as they are now. */
  onSaved: (change: string | null, tags: readonly string[]) => void;
  onCancel: () => void;
}

const FIELD = "edit-tags";

function EditTags({ id, tags: before, onSaved, onCancel }: EditTagsProps) {
  const [tags, setTyped] = useState<readonly string[]>(before);
  const saving = useMutation({
    mutationFn: () => setTags(id, tags),
    onSuccess: ({ change, payload }) => {
      refreshGallery();
      onSaved(change ?? null, texts(payload["tags_all"]));
    },
  });
  useEffect(() => {
    const field = document.getElementById(FIELD);
    field?.scrollIntoView({ block: "nearest" });
    // On a touch screen, the focus would open the keyboard over the tags.
    if (window.matchMedia("(hover: hover)").matches) field?.focus();
  }, []);
  return (
    <form
      aria-label="Edit the tags"
      className="flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <TagEditor
        id={FIELD}
        label="Add a tag"
        placeholder="Add a tag"
        tags={tags}
        listAbove
        onChange={setTyped}
      />
      <EditFailure error={saving.error} />
      <div className="flex gap-1.5">
        <Button size="small" look="solid" type="submit" disabled={saving.isPending}>
          {saving.isPending ? "Saving…" : "Save tags"}
        </Button>
        <Button size="small" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

interface DeletedPictureProps {
  id: string;
  onRestored: () => void;
}

/** What is shown of a picture that was just deleted. */
export function DeletedPicture({ id, onRestored }: DeletedPictureProps) {
  const undoing = useMutation({ mutationFn: () => putBack(id), onSuccess: onRestored });
  return (
    <div className="flex flex-col gap-3 rounded-md bg-well p-4 text-[0.8125rem]">
      <p role="status">
        <span className="block font-medium">This picture was deleted.</span>
        Searches do not find it any more. It can be restored for 30 days.
      </p>
      <div>
        <UndoButton pending={undoing.isPending} onUndo={() => undoing.mutate()} />
      </div>
      <EditFailure error={undoing.error} />
    </div>
  );
}

function UndoButton({ pending, onUndo }: { pending: boolean; onUndo: () => void }) {
  return (
    <Button size="small" disabled={pending} onClick={onUndo}>
      <Undo2 />
      {pending ? "Undoing…" : "Undo"}
    </Button>
  );
}
