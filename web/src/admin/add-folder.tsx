import { useState } from "react";

import { Button } from "@/ui/button";
import { Field, Input, Switch } from "@/ui/controls";

import { FormCard } from "./card";
import { addFolder } from "./plan";
import { useStart } from "./use-start";

/** Adds the pictures of a folder on the server's machine. */
export function AddFolderForm() {
  const [folder, setFolder] = useState("");
  const [tagsFromFolders, setTagsFromFolders] = useState(false);
  const [dryRun, setDryRun] = useState(false);
  const adding = useStart((key) => addFolder({ folder, tagsFromFolders, dryRun }, key));
  return (
    <FormCard
      title="Add a folder"
      explains="Adds all pictures in a folder on the server, with the tags in the files beside them.
        The second time, only new and changed pictures are added."
      error={adding.error}
      onSubmit={() => adding.mutate()}
      buttons={
        <Button look="solid" type="submit" disabled={adding.isPending || folder.trim() === ""}>
          {adding.isPending ? "Starting…" : "Add folder"}
        </Button>
      }
    >
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
    </FormCard>
  );
}
