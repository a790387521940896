import { Button } from "@/ui/button";
import { Field, Input, Segments, Select, Switch } from "@/ui/controls";

import { FormCard } from "./card";
import { readsManifest, startWork, usePlan, WHICH, WORKS, type Which, type Work } from "./plan";
import { useStart } from "./use-start";

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
  const starting = useStart((key) => startWork(plan, key));
  const incomplete = readsManifest(plan) && plan.manifest.trim() === "";
  return (
    <FormCard
      title="Start bulk work"
      explains={LABELS[work].explains}
      error={starting.error}
      onSubmit={() => starting.mutate()}
      buttons={
        <Button look="solid" type="submit" disabled={starting.isPending || incomplete}>
          {starting.isPending ? "Starting…" : `Start ${LABELS[work].title.toLowerCase()}`}
        </Button>
      }
    >
      <Segments
        label="Kind of work"
        className="w-full"
        value={work}
        onChange={(next) => set({ work: next })}
        choices={WORKS.map((value) => ({ value, label: LABELS[value].title }))}
      />
      {readsManifest(plan) && <ManifestFields />}
      {work === "ingest" && <IngestFields />}
      {work === "backfill" && <BackfillFields />}
      {work === "reindex" && <ReindexFields />}
    </FormCard>
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
