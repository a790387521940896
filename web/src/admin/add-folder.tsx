import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { followListed, refreshLists } from "@/jobs/store";
import { uniqueId } from "@/lib/id";
import { Button } from "@/ui/button";
import { Field, Input, Switch } from "@/ui/controls";
import { Notice } from "@/ui/states";

import { addFolder } from "./plan";

/** Adds the pictures of a folder on the server's machine. */
export function AddFolderForm() {
  const [folder, setFolder] = useState("");
  const [tagsFromFolders, setTagsFromFolders] = useState(false);
  const [dryRun, setDryRun] = useState(false);
  // One key for one submission: a double click starts one job.
  const [key, setKey] = useState(uniqueId);
  const adding = useMutation({
    mutationFn: () => addFolder({ folder, tagsFromFolders, dryRun }, key),
    onSuccess: (job) => {
      followListed(job);
      refreshLists();
    },
    onSettled: () => setKey(uniqueId()),
  });
  return (
    <form
      aria-label="Add a folder"
      className="flex flex-col gap-4 rounded-lg border bg-panel p-4"
      onSubmit={(event) => {
        event.preventDefault();
        adding.mutate();
      }}
    >
      <h2 className="font-semibold tracking-tight">Add a folder</h2>
      <p className="-mt-1 text-[0.8125rem] text-soft">
        Adds all pictures in a folder on the server, with the tags in the files beside them. The
        second time, only new and changed pictures are added.
      </p>
      <Field
        label="Folder"
        htmlFor="folder"
        hint="A path on the server: in IMAGES_ROOT, or in a folder that was added before"
      >
        <Input
          id="folder"
          required
          spellCheck={false}
          placeholder="/home/ann/Pictures"
          value={folder}
          onChange={(event) => setFolder(event.target.value)}
        />
      </Field>
      <Switch
        id="tags-from-folders"
        label="Names of sub-folders are tags and styles"
        checked={tagsFromFolders}
        onChange={setTagsFromFolders}
      />
      <Switch
        id="add-dry-run"
        label="Dry run: store nothing"
        checked={dryRun}
        onChange={setDryRun}
      />
      {adding.error !== null && <Notice error={adding.error} />}
      <Button
        look="solid"
        type="submit"
        className="self-start"
        disabled={adding.isPending || folder.trim() === ""}
      >
        {adding.isPending ? "Starting…" : "Add folder"}
      </Button>
    </form>
  );
}
