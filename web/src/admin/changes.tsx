import { useQuery } from "@tanstack/react-query";
import { Undo2 } from "lucide-react";
import { useMemo, useState } from "react";

import { undoChange } from "@/api/changes";
import { ago } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { Button } from "@/ui/button";
import { Failure, Notice, Skeleton } from "@/ui/states";

import { readJournal, recordedOf, type Recorded } from "./journal";
import { useStart } from "./use-start";

/** Lines of the journal that are read: a change of many pictures has two. */
const LINES = 200;
/** Changes that are shown before *Show all* is pressed. */
const FEW = 8;

/** The newest changes of pictures. The list is read again when a job ends. */
export function useRecorded() {
  const now = useNow();
  const query = useQuery({
    // With the other lists of jobs, so that it is read again with them.
    queryKey: ["jobs", "changes"],
    queryFn: () => readJournal(LINES),
    refetchInterval: 30_000,
  });
  const recorded = useMemo(
    () => (query.data === undefined ? undefined : recordedOf(query.data, now)),
    [query.data, now],
  );
  return { ...query, recorded };
}

/** Who changed which pictures, and when, each with *Undo*. */
export function RecentChanges() {
  const { recorded, error, isPending, refetch } = useRecorded();
  const [all, setAll] = useState(false);
  const now = useNow();
  return (
    <section aria-label="Recent changes" className="flex flex-col gap-3">
      <h2 className="font-semibold tracking-tight">Recent changes</h2>
      {isPending ? (
        <Skeleton className="h-24" />
      ) : recorded === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : recorded.length === 0 ? (
        <p className="rounded-lg border border-dashed p-4 text-[0.8125rem] text-soft">
          Edited, deleted and restored pictures are listed here. Each change can be undone for 30
          days.
        </p>
      ) : (
        <div className="rounded-lg border bg-panel">
          <ul className="divide-y text-[0.8125rem]">
            {recorded.slice(0, all ? undefined : FEW).map((change) => (
              <ChangeItem key={change.change} change={change} now={now} />
            ))}
          </ul>
          {recorded.length > FEW && (
            <Button look="ghost" size="small" className="m-1" onClick={() => setAll(!all)}>
              {all ? "Show fewer" : `Show all ${recorded.length}`}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}

const STATES = { running: "running", stopped: "stopped early", ended: null } as const;

function ChangeItem({ change, now }: { change: Recorded; now: number }) {
  const { what, where, by, at, state } = change;
  const parts = [STATES[state], where, by, ago(new Date(at).toISOString(), now)];
  return (
    <li data-change={change.change} className="flex items-start gap-3 px-4 py-2.5">
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">{what}</p>
        <p className="break-words text-soft">{parts.filter(Boolean).join(" · ")}</p>
      </div>
      <UndoButton change={change} />
    </li>
  );
}

/** Undoes a change, or says that it is undone. */
export function UndoButton({ change: { change, what, state, undo } }: { change: Recorded }) {
  const undoing = useStart((key) => undoChange(change, key));
  if (undo === "none" || state === "running") return null;
  if (undo !== "possible") {
    return (
      <span className="py-1 text-soft">{undo === "undone" ? "Undone" : "Too old to undo"}</span>
    );
  }
  return (
    <div className="flex flex-col items-end gap-2">
      <Button
        size="tiny"
        aria-label={`Undo: ${what}`}
        disabled={undoing.isPending || undoing.isSuccess}
        onClick={() => undoing.mutate()}
      >
        <Undo2 />
        Undo
      </Button>
      {undoing.error !== null && <Notice error={undoing.error} />}
    </div>
  );
}
