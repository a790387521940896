import { useMutation } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useState, type ReactNode } from "react";

import { picturePath } from "@/api/pictures";
import { TagEditor } from "@/find/tag-editor";
import { useJobs } from "@/jobs/store";
import { fractionOf, isOver } from "@/jobs/view";
import { count, plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/controls";
import { Picture } from "@/ui/picture";
import { ProgressBar } from "@/ui/states";

import { FormCard } from "./card";
import {
  ACTIONS,
  isRemoval,
  missingOf,
  NO_CHANGE,
  previewChange,
  startChange,
  type Action,
  type Change,
  type Preview,
} from "./change";
import { UndoButton, useRecorded } from "./changes";
import { useStart } from "./use-start";

/** Deletes, restores or tags many pictures. They are counted and shown first. */
export function ChangeForm() {
  const [change, setChange] = useState<Change>(NO_CHANGE);
  // Whether what is missing is said.
  const [asked, setAsked] = useState(false);
  const preview = useMutation({ mutationFn: () => previewChange(change) });
  const starting = useStart((key) => startChange(change, key));
  const set = (part: Partial<Change>) => {
    setChange({ ...change, ...part });
    preview.reset();
    starting.reset();
  };
  const { action } = change;
  const missing = missingOf(change);
  const { label, does } = ACTIONS[action];
  const shown = starting.isSuccess ? undefined : preview.data;
  return (
    <FormCard
      title="Change many pictures"
      explains="Nothing changes before you have seen how many pictures, and some of them. Every
        change can be undone for 30 days. Files in your folders are never touched."
      error={preview.error ?? starting.error}
      onSubmit={() => {
        setAsked(true);
        starting.reset();
        if (missing === null) preview.mutate();
      }}
      buttons={
        <>
          <Button type="submit" disabled={preview.isPending}>
            <Search />
            {preview.isPending ? "Counting…" : "Show what would change"}
          </Button>
          {shown !== undefined && shown.count > 0 && (
            <Button
              look={isRemoval(action) ? "destructive" : "solid"}
              disabled={starting.isPending}
              onClick={() => starting.mutate()}
            >
              {does(plural(shown.count, "picture"))}
            </Button>
          )}
          {asked && missing !== null && (
            <p role="alert" className="self-center text-xs text-ruby">
              {missing}
            </p>
          )}
        </>
      }
    >
      <div className="grid gap-5 lg:grid-cols-[minmax(0,1.4fr)_minmax(0,1fr)]">
        <div className="flex flex-col gap-4">
          <What change={change} set={set} />
          <Which change={change} set={set} />
        </div>
        <div
          role="status"
          aria-label="What would change"
          className="flex min-h-40 flex-col gap-3 rounded-md bg-well/60 p-4 text-[0.8125rem]"
        >
          {starting.data !== undefined ? (
            <Started job={starting.data.id} label={label} />
          ) : shown !== undefined ? (
            <Shown preview={shown} action={action} />
          ) : (
            <Examples />
          )}
        </div>
      </div>
    </FormCard>
  );
}

interface PartProps {
  change: Change;
  set: (part: Partial<Change>) => void;
}

const TAGS: Partial<Record<Action, { label: string; example: string }>> = {
  add_tags: { label: "Tags to add", example: "cat" },
  remove_tags: { label: "Tags to remove", example: "blurry" },
  rename_tag: { label: "Tag", example: "kitty" },
};

/** What to do, with the tags that it needs. */
function What({ change, set }: PartProps) {
  const { action, tags, to } = change;
  const taken = TAGS[action];
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="What to do" htmlFor="change-action">
        <Select
          id="change-action"
          value={action}
          onChange={(event) => set({ action: event.target.value as Action })}
        >
          {Object.entries(ACTIONS).map(([name, { label }]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </Select>
      </Field>
      {taken !== undefined && (
        <Field label={taken.label} htmlFor="change-tags">
          <TagEditor
            id="change-tags"
            label={taken.label}
            placeholder={taken.example}
            tags={tags}
            {...(action === "rename_tag" ? { most: 1 } : {})}
            onChange={(next) => set({ tags: next })}
          />
        </Field>
      )}
      {action === "rename_tag" && (
        <Field label="New name" htmlFor="change-to" className="sm:col-start-2">
          <TagEditor
            id="change-to"
            label="New name"
            placeholder="kitten"
            tags={to}
            most={1}
            onChange={(next) => set({ to: next })}
          />
        </Field>
      )}
    </div>
  );
}

const CONDITIONS = [
  ["folder", "In the folder", "animals/foxes", "As the details of a picture show it"],
  ["artist", "Artist", "Ann Lee", "The whole name"],
  ["source", "Source contains", "example.org", "A part of the address"],
  ["rating", "Rating", "safe", "The whole word"],
] as const;

/** Which pictures. */
function Which({ change, set }: PartProps) {
  const optional = change.action === "rename_tag" || change.action === "remove_tags";
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="mb-2 text-[0.8125rem] font-medium">
        Which pictures
        <span className="ml-2 font-normal text-soft">
          {optional
            ? "All with the tag, or those that match everything below"
            : "Those that match everything below"}
        </span>
      </legend>
      <Field label="With all of these tags" htmlFor="change-with">
        <TagEditor
          id="change-with"
          label="With all of these tags"
          placeholder="kitten"
          tags={change.withTags}
          onChange={(next) => set({ withTags: next })}
        />
      </Field>
      <div className="grid gap-3 sm:grid-cols-2">
        {CONDITIONS.map(([name, label, example, hint]) => (
          <Field key={name} label={label} htmlFor={`change-${name}`} hint={hint}>
            <Input
              id={`change-${name}`}
              placeholder={example}
              autoCapitalize="none"
              spellCheck={false}
              value={change[name]}
              onChange={(event) => set({ [name]: event.target.value })}
            />
          </Field>
        ))}
      </div>
    </fieldset>
  );
}

function Examples() {
  return (
    <div className="flex flex-col gap-2 text-soft">
      <p className="font-medium text-ink">For example</p>
      <dl className="grid gap-2 [&_dd]:text-ink">
        <Example name="Every kitten is a cat">
          Add tags <b>cat</b>, with the tag <b>kitten</b>
        </Example>
        <Example name="One name for two tags">
          Rename <b>kitty</b> to <b>kitten</b>
        </Example>
        <Example name="Clear out a folder">
          Delete pictures in the folder <b>sketches/old</b>
        </Example>
      </dl>
    </div>
  );
}

function Example({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="[&_b]:font-medium">{children}</dd>
    </div>
  );
}

/** How many pictures would change, and some of them. */
function Shown({
  preview: { count: total, samples },
  action,
}: {
  preview: Preview;
  action: Action;
}) {
  if (total === 0) {
    return <p>No picture would change. Remove a condition, or check its spelling.</p>;
  }
  const more = total - samples.length;
  return (
    <>
      <p className="font-medium">{plural(total, "picture")} would change.</p>
      {action !== "restore" && (
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(4rem,1fr))] gap-1.5">
          {samples.map((picture) => (
            <li key={picture.id}>
              <Picture
                path={picturePath(picture, 128)}
                alt={`Picture ${picture.id}`}
                className="aspect-square w-full rounded-sm bg-white object-contain"
              />
            </li>
          ))}
        </ul>
      )}
      {action !== "restore" && more > 0 && <p className="text-soft">and {count(more)} more</p>}
    </>
  );
}

/** The started change: its progress, then what it did. */
function Started({ job: id, label }: { job: string; label: string }) {
  const job = useJobs(({ views }) => views[id]?.job);
  const { recorded = [] } = useRecorded();
  const change = recorded.find((one) => one.change === id);
  if (job === undefined || !isOver(job) || change === undefined || change.state === "running") {
    if (job?.state === "failed") return <p className="text-ruby">{job.error?.message}</p>;
    return (
      <>
        <p>{label}…</p>
        <ProgressBar fraction={job === undefined ? null : fractionOf(job)} label={label} />
      </>
    );
  }
  return (
    <div className="flex items-start justify-between gap-3">
      <p className="min-w-0 font-medium">
        {change.what}.
        {isRemoval(change.action as Action) && (
          <span className="block font-normal text-soft">Searches do not find them any more.</span>
        )}
      </p>
      <UndoButton change={change} />
    </div>
  );
}
