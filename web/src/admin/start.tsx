import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import { api, body, type Job } from "@/api/client";
import { queryClient } from "@/api/query-client";
import { useFeatures } from "@/api/queries";
import { followListed } from "@/jobs/store";
import { uniqueId } from "@/lib/id";
import { tabStorage } from "@/lib/tab-storage";
import { Button } from "@/ui/button";
import { Field, Input, Segments, Select, Switch } from "@/ui/controls";
import { Notice } from "@/ui/states";

type Work = "ingest" | "backfill" | "reindex";
const WHICH = { all: "all vectors", image: "image", edge: "edge", text: "text", both: "image and edge" } as const;
type Which = keyof typeof WHICH;

interface Plan {
  work: Work;
  manifest: string;
  imagesRoot: string;
  which: Which;
  force: boolean;
  noText: boolean;
  dryRun: boolean;
  model: string;
  pretrained: string;
  rollback: boolean;
}

const usePlan = create<Plan & { set: (part: Partial<Plan>) => void }>()(
  persist(
    (set) => ({ work: "backfill", manifest: "", imagesRoot: "", which: "all", force: false, noText: false, dryRun: false, model: "", pretrained: "", rollback: false, set: (part) => set(part) }),
    { name: "clippy.plan", version: 1, storage: createJSONStorage(() => tabStorage) },
  ),
);

async function start(plan: Plan, key: string): Promise<Job> {
  const headers = { "Idempotency-Key": key };
  const lines = { manifest: plan.manifest.trim(), ...(plan.imagesRoot.trim() === "" ? {} : { images_root: plan.imagesRoot.trim() }) };
  switch (plan.work) {
    case "ingest":
      return body(await api.POST("/api/admin/ingest", { params: { header: headers }, body: { ...lines, no_text: plan.noText, dry_run: plan.dryRun } }));
    case "backfill":
      return body(await api.POST("/api/admin/backfill", { params: { header: headers }, body: { ...lines, which: plan.which, force_all: plan.force } }));
    case "reindex": {
      const model = plan.rollback || plan.model.trim() === "" ? {} : { model: plan.model.trim() };
      const pretrained = plan.rollback || plan.pretrained.trim() === "" ? {} : { pretrained: plan.pretrained.trim() };
      return body(await api.POST("/api/admin/reindex", { params: { header: headers }, body: { ...model, ...pretrained, rollback: plan.rollback } }));
    }
  }
}

/** Starting bulk work. */
export function StartForm() {
  const { features } = useFeatures();
  const { set, ...plan } = usePlan();
  // One key for each plan as it stands: a double click starts one job.
  const [key, setKey] = useState(uniqueId);
  const starting = useMutation({
    mutationFn: () => start(plan, key),
    onSuccess: (job) => {
      followListed(job);
      setKey(uniqueId());
      void queryClient.invalidateQueries({ queryKey: ["jobs"] });
    },
    onError: () => setKey(uniqueId()),
  });
  const work: Work = plan.work === "reindex" && !features.reindex ? "backfill" : plan.work;
  const needsManifest = work !== "reindex";
  return (
    <form
      aria-label="Start bulk work"
      className="flex flex-col gap-4 rounded-lg border bg-panel p-4"
      onSubmit={(event) => {
        event.preventDefault();
        starting.mutate();
      }}
    >
      <h2 className="font-semibold tracking-tight">Start</h2>
      <Segments
        label="What to start"
        className="w-full"
        value={work}
        onChange={(next) => set({ work: next })}
        choices={[{ value: "ingest", label: "Ingest" }, { value: "backfill", label: "Backfill" }, ...(features.reindex ? [{ value: "reindex" as const, label: "Re-index" }] : [])]}
      />
      <p className="-mt-1 text-[0.8125rem] text-soft">
        {work === "ingest" ? "Embeds and stores the pictures of a manifest; what is stored already is left as it is." : work === "backfill" ? "Fills vectors that are missing; the others stay as they are." : "Builds the collection anew beside the live one, then switches."}
      </p>
      {needsManifest && (
        <>
          <Field label="Manifest" htmlFor="manifest" hint="A path under DATA_DIR or IMAGES_ROOT">
            <Input id="manifest" required spellCheck={false} placeholder="demo/manifest.jsonl" value={plan.manifest} onChange={(event) => set({ manifest: event.target.value })} />
          </Field>
          <Field label="Pictures' folder" htmlFor="images-root" hint="Without it, the manifest's own folder">
            <Input id="images-root" spellCheck={false} value={plan.imagesRoot} onChange={(event) => set({ imagesRoot: event.target.value })} />
          </Field>
        </>
      )}
      {work === "backfill" && (
        <Field label="Vectors" htmlFor="which">
          <Select id="which" value={plan.which} onChange={(event) => set({ which: event.target.value as Which })}>
            {Object.entries(WHICH).map(([value, title]) => <option key={value} value={value}>{title}</option>)}
          </Select>
        </Field>
      )}
      {work === "backfill" && <Switch id="force-all" label="Make them anew where they are there, too" checked={plan.force} onChange={(force) => set({ force })} />}
      {work === "ingest" && (
        <>
          <Switch id="no-text" label="Make no text vectors" checked={plan.noText} onChange={(noText) => set({ noText })} />
          <Switch id="dry-run" label="Only look, store nothing" checked={plan.dryRun} onChange={(dryRun) => set({ dryRun })} />
        </>
      )}
      {work === "reindex" && (
        <>
          <Switch id="rollback" label="Go back to the collection before the last re-index" checked={plan.rollback} onChange={(rollback) => set({ rollback })} />
          {!plan.rollback && (
            <div className="grid grid-cols-2 gap-3">
              <Field label="Model" htmlFor="model" hint="Empty for the one in use"><Input id="model" spellCheck={false} value={plan.model} onChange={(event) => set({ model: event.target.value })} /></Field>
              <Field label="Weights" htmlFor="pretrained"><Input id="pretrained" spellCheck={false} value={plan.pretrained} onChange={(event) => set({ pretrained: event.target.value })} /></Field>
            </div>
          )}
        </>
      )}
      {starting.error !== null && <Notice error={starting.error} />}
      <Button look="solid" type="submit" className="self-start" disabled={starting.isPending || (needsManifest && plan.manifest.trim() === "")}>{starting.isPending ? "Starting…" : `Start ${work === "reindex" ? "re-index" : work}`}</Button>
    </form>
  );
}
