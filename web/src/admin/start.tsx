import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { followListed, refreshLists } from "@/jobs/store";
import { uniqueId } from "@/lib/id";
import { Button } from "@/ui/button";
import { Field, Input, Segments, Select, Switch } from "@/ui/controls";
import { Notice } from "@/ui/states";

import { readsManifest, startWork, usePlan, WHICH, WORKS, type Which, type Work } from "./plan";

const LABELS: Record<Work, { title: string; explains: string }> = {
  ingest: {
    title: "Ingest",
    explains: "Embeds and stores the pictures of a manifest. Stored pictures are not changed.",
  },
  backfill: {
    title: "Backfill",
    explains: "Fills missing vectors. The other vectors are not changed.",
  },
  reindex: {
    title: "Re-index",
    explains: "Builds a new collection beside the live one, then switches to it.",
  },
};

/** Starts bulk work. */
export function StartForm() {
  const { set, ...plan } = usePlan();
  const { work } = plan;
  // One key for one submission: a double click starts one job.
  const [key, setKey] = useState(uniqueId);
  const starting = useMutation({
    mutationFn: () => startWork(plan, key),
    onSuccess: (job) => {
      followListed(job);
      refreshLists();
    },
    onSettled: () => setKey(uniqueId()),
  });
  const incomplete = readsManifest(plan) && plan.manifest.trim() === "";
  return (
    <form
      aria-label="Start bulk work"
      className="flex flex-col gap-4 rounded-lg border bg-panel p-4"
      onSubmit={(event) => {
        event.preventDefault();
        starting.mutate();
      }}
    >
      <h2 className="font-semibold tracking-tight">Start bulk work</h2>
      <Segments
        label="Kind of work"
        className="w-full"
        value={work}
        onChange={(next) => set({ work: next })}
        choices={WORKS.map((value) => ({ value, label: LABELS[value].title }))}
      />
      <p className="-mt-1 text-[0.8125rem] text-soft">{LABELS[work].explains}</p>
      {readsManifest(plan) && <ManifestFields />}
      {work === "ingest" && <IngestFields />}
      {work === "backfill" && <BackfillFields />}
      {work === "reindex" && <ReindexFields />}
      {starting.error !== null && <Notice error={starting.error} />}
      <Button
        look="solid"
        type="submit"
        className="self-start"
        disabled={starting.isPending || incomplete}
      >
        {starting.isPending ? "Starting…" : `Start ${LABELS[work].title.toLowerCase()}`}
      </Button>
    </form>
  );
}

function ManifestFields() {
  const { manifest, imagesRoot, set } = usePlan();
  return (
    <>
      <Field label="Manifest" htmlFor="manifest" hint="A path below DATA_DIR or IMAGES_ROOT">
        <Input
          id="manifest"
          required
          spellCheck={false}
          placeholder="demo/manifest.jsonl"
          value={manifest}
          onChange={(event) => set({ manifest: event.target.value })}
        />
      </Field>
      <Field
        label="Folder of the pictures"
        htmlFor="images-root"
        hint="Empty for the folder of the manifest"
      >
        <Input
          id="images-root"
          spellCheck={false}
          value={imagesRoot}
          onChange={(event) => set({ imagesRoot: event.target.value })}
        />
      </Field>
    </>
  );
}

function IngestFields() {
  const { noText, dryRun, set } = usePlan();
  return (
    <>
      <Switch
        id="no-text"
        label="Without text vectors"
        checked={noText}
        onChange={(value) => set({ noText: value })}
      />
      <Switch
        id="dry-run"
        label="Dry run: store nothing"
        checked={dryRun}
        onChange={(value) => set({ dryRun: value })}
      />
    </>
  );
}

function BackfillFields() {
  const { which, force, set } = usePlan();
  return (
    <>
      <Field label="Vectors" htmlFor="which">
        <Select
          id="which"
          value={which}
          onChange={(event) => set({ which: event.target.value as Which })}
        >
          {Object.entries(WHICH).map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </Select>
      </Field>
      <Switch
        id="force-all"
        label="Replace existing vectors"
        checked={force}
        onChange={(value) => set({ force: value })}
      />
    </>
  );
}

function ReindexFields() {
  const { model, pretrained, rollback, set } = usePlan();
  return (
    <>
      <Switch
        id="rollback"
        label="Return to the collection before the last re-index"
        checked={rollback}
        onChange={(value) => set({ rollback: value })}
      />
      {!rollback && (
        <div className="grid grid-cols-2 gap-3">
          <Field label="Model" htmlFor="model" hint="Empty for the current one">
            <Input
              id="model"
              spellCheck={false}
              value={model}
              onChange={(event) => set({ model: event.target.value })}
            />
          </Field>
          <Field label="Weights" htmlFor="pretrained">
            <Input
              id="pretrained"
              spellCheck={false}
              value={pretrained}
              onChange={(event) => set({ pretrained: event.target.value })}
            />
          </Field>
        </div>
      )}
    </>
  );
}
