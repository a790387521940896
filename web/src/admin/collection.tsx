import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { api, body, type Collection } from "@/api/client";
import { count, noun, plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/states";

/** The collection, and the model that filled it. */
export function CollectionCard({ collection }: { collection: Collection }) {
  const { fingerprint, roots } = collection;
  return (
    <section aria-label="Collection" className="rounded-lg border bg-panel p-4">
      <h2 className="text-soft">{collection.name}</h2>
      <p className="tabular mt-0.5 mb-4 text-3xl font-semibold tracking-tight">
        {count(collection.points)}{" "}
        <span className="text-base font-normal text-soft">
          {noun(collection.points, "picture")}
        </span>
      </p>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-5 gap-y-1.5 text-[0.8125rem]">
        <Row name="Model">{modelOf(collection)}</Row>
        <Row name="Vectors">image, edge, text · {collection.dimension} dimensions</Row>
        <Row name="Fingerprint">
          <span title={fingerprint}>{fingerprint.slice(0, 16)}…</span>
        </Row>
        <Row name="Schema">version {collection.schema_version}</Row>
        <Row name="Search index">{collection.indexed ? "ready" : "being built"}</Row>
        <Row name="Folders">
          {roots.length === 0
            ? "none"
            : roots.map((root) => (
                <span key={root} className="block truncate" title={root}>
                  {root}
                </span>
              ))}
        </Row>
      </dl>
      <Calibration />
    </section>
  );
}

/** A path of weights is of no use to readers, so it is left out. */
function modelOf({ model, pretrained }: Collection): string {
  return pretrained === "" || pretrained.includes("/") ? model : `${model} · ${pretrained}`;
}

function Calibration() {
  const calibrating = useMutation({
    mutationFn: async () => body(await api.POST("/api/admin/calibrate")).sampled,
  });
  return (
    <>
      <div className="mt-4 flex flex-wrap items-center gap-3 border-t pt-3">
        <Button size="small" disabled={calibrating.isPending} onClick={() => calibrating.mutate()}>
          {calibrating.isPending ? "Calibrating…" : "Calibrate scores"}
        </Button>
        {calibrating.data !== undefined && (
          <span role="status" className="text-[0.8125rem] text-soft">
            {plural(calibrating.data, "picture")} sampled
          </span>
        )}
      </div>
      {calibrating.error !== null && <Notice error={calibrating.error} className="mt-3" />}
    </>
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
