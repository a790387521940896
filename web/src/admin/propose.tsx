import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { followListed, refreshLists } from "@/jobs/store";
import { uniqueId } from "@/lib/id";
import { percent } from "@/lib/format";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/controls";
import { Notice } from "@/ui/states";

import { proposeTags } from "./tags";

const LEAST = [0.5, 0.7, 0.8, 0.9, 0.95];

/** Starts to propose tags, and opens the view where they are reviewed. */
export function ProposeForm({ onReview }: { onReview: () => void }) {
  const [vocabulary, setVocabulary] = useState("");
  const [atLeast, setAtLeast] = useState(0.9);
  // One key for one submission: a double click starts one job.
  const [key, setKey] = useState(uniqueId);
  const proposing = useMutation({
    mutationFn: () => proposeTags({ vocabulary, atLeast }, key),
    onSuccess: (job) => {
      followListed(job);
      refreshLists();
    },
    onSettled: () => setKey(uniqueId()),
  });
  return (
    <form
      aria-label="Propose tags"
      className="flex flex-col gap-4 rounded-lg border bg-panel p-4"
      onSubmit={(event) => {
        event.preventDefault();
        proposing.mutate();
      }}
    >
      <h2 className="font-semibold tracking-tight">Propose tags</h2>
      <p className="-mt-1 text-[0.8125rem] text-soft">
        Compares all pictures with the tags of the gallery. You decide which proposals become tags.
      </p>
      <Field
        label="Words"
        htmlFor="vocabulary"
        hint="A file on the server with one tag a line, or “styles”. Empty for the gallery’s tags"
      >
        <Input
          id="vocabulary"
          spellCheck={false}
          value={vocabulary}
          onChange={(event) => setVocabulary(event.target.value)}
        />
      </Field>
      <Field label="Probability" htmlFor="propose-at-least">
        <Select
          id="propose-at-least"
          value={atLeast}
          onChange={(event) => setAtLeast(Number(event.target.value))}
        >
          {LEAST.map((least) => (
            <option key={least} value={least}>
              at least {percent(least)}
            </option>
          ))}
        </Select>
      </Field>
      {proposing.error !== null && <Notice error={proposing.error} />}
      <div className="flex flex-wrap gap-2">
        <Button look="solid" type="submit" disabled={proposing.isPending}>
          {proposing.isPending ? "Starting…" : "Propose tags"}
        </Button>
        <Button onClick={onReview}>Review proposals</Button>
      </div>
    </form>
  );
}
