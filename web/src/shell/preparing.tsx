import { useEffect, useRef } from "react";

import type { Schemas } from "@/api/client";
import { refreshGallery, usePreparing } from "@/api/queries";
import { count } from "@/lib/format";
import { ProgressBar } from "@/ui/states";

type Preparation = Schemas["PreparingPart"];

const STAGES: Readonly<Record<string, string>> = {
  drawing: "Drawing the demo gallery",
  embedding: "Embedding the demo gallery",
  calibrating: "Calibrating scores",
};

/** How often results are repeated while pictures are added. */
const REFRESH = 4000;

/** Repeats searches while pictures are added, and once more at the end. */
function useRefresh(preparing: Preparation | null): void {
  const last = useRef({ at: 0, embedded: 0, busy: false });
  useEffect(() => {
    const before = last.current;
    if (preparing === null) {
      if (before.busy) refreshGallery();
      before.busy = false;
      return;
    }
    before.busy = true;
    const embedded = preparing.stage === "drawing" ? 0 : preparing.done;
    if (embedded === before.embedded || Date.now() - before.at < REFRESH) return;
    last.current = { at: Date.now(), embedded, busy: true };
    refreshGallery();
  }, [preparing]);
}

/** The progress of the gallery. Searches use the pictures that are there already. */
export function Preparing() {
  const { data = null } = usePreparing();
  useRefresh(data);
  if (data === null) return null;
  const { stage, done, total } = data;
  const progress = total > 0 ? `: ${count(done)} of ${count(total)}` : "…";
  return (
    <section
      aria-label="Preparation"
      className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-b bg-blue-soft px-4 py-1.5
        text-[0.8125rem] text-blue"
    >
      <p role="status" className="tabular">
        {STAGES[stage] ?? "Preparing the gallery"}
        {progress}
      </p>
      <ProgressBar
        fraction={total > 0 ? Math.min(1, done / total) : null}
        label="Progress of the gallery"
        className="h-1.5 w-40 max-sm:w-full"
      />
      <p className="max-sm:hidden">You can draw already; results appear as pictures are added.</p>
    </section>
  );
}
