import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { request } from "@/api/client";
import { Problem } from "@/api/problem";
import { queryClient } from "@/api/query-client";
import { at } from "@/lib/address";
import { count } from "@/lib/format";
import { fields, number, text } from "@/lib/json";
import { ProgressBar } from "@/ui/states";

/** What a server that has just started is still doing with its gallery. */
export interface Preparation {
  stage: string;
  done: number;
  total: number;
}

export function preparationOf(answer: unknown): Preparation | null {
  const given = fields(fields(answer)["preparing"]);
  const stage = text(given["stage"]);
  return stage === null ? null : { stage, done: number(given["done"]) ?? 0, total: number(given["total"]) ?? 0 };
}

const SAYS: Record<string, string> = {
  drawing: "Drawing the demo gallery",
  embedding: "Looking at the demo gallery's pictures",
  calibrating: "Measuring scores",
};

/** Results are asked for again this often while pictures are still added. */
const REFRESH = 4000;

export function usePreparing() {
  return useQuery({
    queryKey: ["preparing"],
    queryFn: async () => {
      try {
        return preparationOf(await (await request(new Request(at("/api/preparing"), { cache: "no-store" }))).json());
      } catch (error) {
        // Other servers are ready when they answer.
        if (error instanceof Problem && error.status < 500) return null;
        throw error;
      }
    },
    refetchInterval: ({ state }) => (state.data ? 1000 : false),
  });
}

function refresh(): void {
  for (const name of ["search", "facets", "tags", "collection"]) void queryClient.invalidateQueries({ queryKey: [name] });
}

/** How far the gallery is. Searching works meanwhile, with the pictures that are there. */
export function Preparing() {
  const { data } = usePreparing();
  const shown = data ?? null;
  const last = useRef({ at: 0, embedded: 0, busy: false });
  useEffect(() => {
    const before = last.current;
    if (shown === null) {
      if (before.busy) refresh();
      before.busy = false;
      return;
    }
    before.busy = true;
    const embedded = shown.stage === "drawing" ? 0 : shown.done;
    if (embedded === before.embedded || Date.now() - before.at < REFRESH) return;
    last.current = { at: Date.now(), embedded, busy: true };
    refresh();
  }, [shown]);
  if (shown === null) return null;
  const { stage, done, total } = shown;
  return (
    <section aria-label="Preparation" className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-b bg-blue-soft px-4 py-1.5 text-[0.8125rem] text-blue">
      <p role="status" className="tabular">
        {SAYS[stage] ?? "Preparing the gallery"}{total > 0 ? `: ${count(done)} of ${count(total)}` : "…"}
      </p>
      <ProgressBar fraction={total > 0 ? Math.min(1, done / total) : null} label="Progress of the gallery" className="h-1.5 w-40 max-sm:w-full" />
      <p className="max-sm:hidden">You can draw already; results appear as pictures come in.</p>
    </section>
  );
}
