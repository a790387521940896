import { useState } from "react";

import { percent } from "@/lib/format";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/controls";

import { FormCard } from "./card";
import { proposeTags } from "./tags";
import { useStart } from "./use-start";

const LEAST = [0.5, 0.7, 0.8, 0.9, 0.95];

/** Starts to propose tags, and opens the view where they are reviewed. */
export function ProposeForm({ onReview }: { onReview: () => void }) {
  const [vocabulary, setVocabulary] = useState("");
  const [atLeast, setAtLeast] = useState(0.9);
  const proposing = useStart((key) => proposeTags({ vocabulary, atLeast }, key));
  return (
    <FormCard
      title="Propose tags"
      explains="Compares all pictures with the tags of the gallery. You decide which proposals
        become tags."
      error={proposing.error}
      onSubmit={() => proposing.mutate()}
      buttons={
        <>
          <Button look="solid" type="submit" disabled={proposing.isPending}>
            {proposing.isPending ? "Starting…" : "Propose tags"}
          </Button>
          <Button onClick={onReview}>Review proposals</Button>
        </>
      }
    >
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
    </FormCard>
  );
}
