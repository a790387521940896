import { useMutation } from "@tanstack/react-query";
import { Trash2, Undo2 } from "lucide-react";
import { useState } from "react";

import { api, body } from "@/api/client";
import type { Picture } from "@/api/pictures";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/controls";
import { Notice } from "@/ui/states";

/** Edits the tags of a picture, and deletes it. Needs an admin's key. */
export function Correct({ picture }: { picture: Picture }) {
  const [open, setOpen] = useState(false);
  if (!open) {
    return (
      <Button size="small" className="self-start" onClick={() => setOpen(true)}>
        Correct or delete
      </Button>
    );
  }
  return <CorrectForm picture={picture} />;
}

function CorrectForm({ picture: { id, tags: known } }: { picture: Picture }) {
  const [tags, setTags] = useState(known.join(", "));
  const path = { params: { path: { id } } };
  const saving = useMutation({
    mutationFn: async () => {
      const listed = tags.split(",").map((tag) => tag.trim());
      const request = { tags: listed.filter((tag) => tag !== "") };
      return body(await api.PATCH("/api/pictures/{id}", { ...path, body: request }));
    },
  });
  const deleting = useMutation({
    mutationFn: async () => body(await api.DELETE("/api/pictures/{id}", path)),
  });
  const restoring = useMutation({
    mutationFn: async () => {
      const request = { action: "restore", filter: { ids: [id] } };
      return body(await api.POST("/api/pictures/bulk", { body: request }));
    },
    onSuccess: () => deleting.reset(),
  });
  const error = saving.error ?? deleting.error ?? restoring.error;
  if (deleting.data !== undefined) {
    return (
      <p role="status" className="flex items-center gap-3 text-[0.8125rem]">
        Deleted. It can be restored for 30 days.
        <Button size="small" disabled={restoring.isPending} onClick={() => restoring.mutate()}>
          <Undo2 />
          Undo
        </Button>
      </p>
    );
  }
  return (
    <form
      aria-label="Correct this picture"
      className="flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Field label="Tags" htmlFor="correct-tags" hint="Separated by commas">
        <Input
          id="correct-tags"
          value={tags}
          onChange={(event) => {
            setTags(event.target.value);
            saving.reset();
          }}
        />
      </Field>
      {error !== null && <Notice error={error} />}
      <div className="flex gap-2">
        <Button size="small" look="solid" type="submit" disabled={saving.isPending}>
          {saving.data === undefined ? "Save tags" : "Saved"}
        </Button>
        <Button size="small" disabled={deleting.isPending} onClick={() => deleting.mutate()}>
          <Trash2 />
          Delete
        </Button>
      </div>
    </form>
  );
}
