import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { followListed, refreshLists } from "@/jobs/store";
import { uniqueId } from "@/lib/id";
import { Button } from "@/ui/button";
import { Field, Input, Switch, Textarea } from "@/ui/controls";
import { Notice } from "@/ui/states";

import { fetchTags, tagLines } from "./plan";

/** Fetches the pictures of tags from Safebooru, or from the site that the server is set to. */
export function FetchForm() {
  const [tags, setTags] = useState("");
  const [name, setName] = useState("");
  const [ingest, setIngest] = useState(true);
  // One key for one submission: a double click starts one job.
  const [key, setKey] = useState(uniqueId);
  const fetching = useMutation({
    mutationFn: () => fetchTags({ tags, name, ingest }, key),
    onSuccess: (job) => {
      followListed(job);
      refreshLists();
    },
    onSettled: () => setKey(uniqueId()),
  });
  return (
    <form
      aria-label="Fetch from Safebooru"
      className="flex flex-col gap-4 rounded-lg border bg-panel p-4"
      onSubmit={(event) => {
        event.preventDefault();
        fetching.mutate();
      }}
    >
      <h2 className="font-semibold tracking-tight">Fetch from Safebooru</h2>
      <p className="-mt-1 text-[0.8125rem] text-soft">
        Downloads the pictures of tags into the server&rsquo;s data folder. The rights are the
        artists&rsquo;: the folder has a list of where each picture is from.
      </p>
      <Field label="Tags" htmlFor="fetch-tags" hint="One tag a line, such as red hair">
        <Textarea
          id="fetch-tags"
          required
          rows={3}
          spellCheck={false}
          value={tags}
          onChange={(event) => setTags(event.target.value)}
        />
      </Field>
      <Field
        label="Name of the folder"
        htmlFor="fetch-name"
        hint="Optional. A name that was used before goes on with that folder"
      >
        <Input
          id="fetch-name"
          spellCheck={false}
          pattern="[a-z0-9][a-z0-9_\-]*"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </Field>
      <Switch
        id="fetch-ingest"
        label="Add the pictures to the gallery"
        checked={ingest}
        onChange={setIngest}
      />
      {fetching.error !== null && <Notice error={fetching.error} />}
      <Button
        look="solid"
        type="submit"
        className="self-start"
        disabled={fetching.isPending || tagLines(tags).length === 0}
      >
        {fetching.isPending ? "Starting…" : "Fetch pictures"}
      </Button>
    </form>
  );
}
