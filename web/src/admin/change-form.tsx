import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { picturePath } from "@/api/pictures";
import { followListed, refreshLists } from "@/jobs/store";
import { plural } from "@/lib/format";
import { uniqueId } from "@/lib/id";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/controls";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { ACTIONS, NO_CHANGE, previewChange, startChange, type Action, type Change } from "./change";

const CONDITIONS = [
  ["withTags", "With all of these tags"],
  ["rating", "Rating"],
  ["source", "Source contains"],
  ["artist", "Artist"],
  ["folder", "In the folder"],
] as const;

/** Deletes, restores or tags many pictures. They are counted and shown first. */
export function ChangeForm() {
  const [change, setChange] = useState<Change>(NO_CHANGE);
  // One key for one submission: a double click starts one job.
  const [key, setKey] = useState(uniqueId);
  const preview = useMutation({ mutationFn: () => previewChange(change) });
  const starting = useMutation({
    mutationFn: () => startChange(change, key),
    onSuccess: (job) => {
      followListed(job);
      refreshLists();
      preview.reset();
    },
    onSettled: () => setKey(uniqueId()),
  });
  const set = (part: Partial<Change>) => {
    setChange({ ...change, ...part });
    preview.reset();
    starting.reset();
  };
  const { action } = change;
  const takesTags = action === "add_tags" || action === "remove_tags" || action === "rename_tag";
  const shown = preview.data;
  const error = preview.error ?? starting.error;
  return (
    <form
      aria-label="Change many pictures"
      className="flex flex-col gap-4 rounded-lg border bg-panel p-4"
      onSubmit={(event) => {
        event.preventDefault();
        preview.mutate();
      }}
    >
      <h2 className="font-semibold tracking-tight">Change many pictures</h2>
      <Field label="What to do" htmlFor="change-action">
        <Select
          id="change-action"
          value={action}
          onChange={(event) => set({ action: event.target.value as Action })}
        >
          {Object.entries(ACTIONS).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </Select>
      </Field>
      {takesTags && (
        <Field label={action === "rename_tag" ? "Tag" : "Tags"} htmlFor="change-tags">
          <Input
            id="change-tags"
            value={change.tags}
            onChange={(event) => set({ tags: event.target.value })}
          />
        </Field>
      )}
      {action === "rename_tag" && (
        <Field label="New name" htmlFor="change-to">
          <Input
            id="change-to"
            value={change.to}
            onChange={(event) => set({ to: event.target.value })}
          />
        </Field>
      )}
      {CONDITIONS.map(([name, label]) => (
        <Field key={name} label={label} htmlFor={`change-${name}`}>
          <Input
            id={`change-${name}`}
            value={change[name]}
            onChange={(event) => set({ [name]: event.target.value })}
          />
        </Field>
      ))}
      {error !== null && <Notice error={error} />}
      {shown !== undefined && (
        <div role="status" className="flex flex-col gap-2 text-[0.8125rem]">
          <p>{plural(shown.count, "picture")} would change.</p>
          <ul className="flex flex-wrap gap-1.5">
            {shown.samples.map((picture) => (
              <li key={picture.id}>
                <Picture
                  path={picturePath(picture)}
                  alt={`Picture ${picture.id}`}
                  className="size-14 rounded-sm bg-well object-cover"
                />
              </li>
            ))}
          </ul>
        </div>
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" disabled={preview.isPending}>
          {preview.isPending ? "Counting…" : "Show what would change"}
        </Button>
        {shown !== undefined && shown.count > 0 && (
          <Button look="solid" disabled={starting.isPending} onClick={() => starting.mutate()}>
            {ACTIONS[action]}
          </Button>
        )}
      </div>
    </form>
  );
}
