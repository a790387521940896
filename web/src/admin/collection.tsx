import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";

import type { Collection } from "@/api/client";
import { calibrate } from "@/api/later";
import { useFeatures } from "@/api/queries";
import { count, plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/states";

/** What the collection is, and the model that filled it. */
export function CollectionCard({ collection }: { collection: Collection }) {
  const { features } = useFeatures();
  const calibrating = useMutation({ mutationFn: calibrate });
  const model = collection.pretrained === "" || collection.pretrained.includes("/") ? collection.model : `${collection.model} · ${collection.pretrained}`;
  return (
    <section aria-label="Collection" className="rounded-lg border bg-panel p-4">
      <h2 className="text-soft">{collection.name}</h2>
      <p className="tabular mt-0.5 mb-4 text-3xl font-semibold tracking-tight">{count(collection.points)} <span className="text-base font-normal text-soft">pictures</span></p>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-5 gap-y-1.5 text-[0.8125rem]">
        <Row name="Model">{model}</Row>
        <Row name="Vectors">image, edge, text · {collection.dimension} dimensions</Row>
        <Row name="Fingerprint"><span title={collection.fingerprint}>{collection.fingerprint.slice(0, 16)}…</span></Row>
        <Row name="Schema">version {collection.schema_version}</Row>
        <Row name="Search graph">{collection.indexed ? "ready" : "being built"}</Row>
        <Row name="Folders">{collection.roots.length === 0 ? "none" : collection.roots.map((root) => <span key={root} className="block truncate" title={root}>{root}</span>)}</Row>
      </dl>
      {features.calibrate && (
        <div className="mt-4 flex flex-wrap items-center gap-3 border-t pt-3">
          <Button size="small" disabled={calibrating.isPending} onClick={() => calibrating.mutate()}>{calibrating.isPending ? "Calibrating…" : "Calibrate scores"}</Button>
          {calibrating.data !== undefined && <span role="status" className="text-[0.8125rem] text-soft">{plural(calibrating.data, "picture")} sampled</span>}
        </div>
      )}
      {calibrating.error !== null && <Notice error={calibrating.error} className="mt-3" />}
    </section>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}
