import { useMutation, useQuery } from "@tanstack/react-query";
import { Pause, Play } from "lucide-react";

import { api, body, type Queue, type Schemas } from "@/api/client";
import { queryClient } from "@/api/query-client";
import { cn } from "@/lib/classes";
import { count, seconds } from "@/lib/format";
import { Button } from "@/ui/button";
import { Failure, Notice, Skeleton } from "@/ui/states";

const LANE_HINTS: Readonly<Record<string, string>> = {
  interactive: "requests of artists",
  bulk: "parts of long jobs",
  control: "planning",
};

const COLUMNS = ["Waiting", "Oldest", "Running", "Done", "Failed", "Workers"] as const;

/** Pauses a lane, or resumes it if it is paused. */
async function togglePause({ lane, paused }: Queue): Promise<Queue> {
  const params = { params: { path: { lane } } };
  if (paused) return body(await api.POST("/api/admin/queues/{lane}/resume", params));
  return body(await api.POST("/api/admin/queues/{lane}/pause", params));
}

/** The lanes of jobs. */
export function Lanes() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["queues"],
    queryFn: async () => body(await api.GET("/api/admin/queues")),
    refetchInterval: 2000,
  });
  const pausing = useMutation({
    mutationFn: togglePause,
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["queues"] }),
  });
  return (
    <section aria-label="Lanes" className="rounded-lg border bg-panel p-4">
      <h2 className="mb-3 font-semibold tracking-tight">Lanes</h2>
      {isPending ? (
        <Skeleton className="h-36" />
      ) : data === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : (
        <Table
          queues={data.queues}
          busy={pausing.isPending}
          onPause={(queue) => pausing.mutate(queue)}
        />
      )}
      {pausing.error !== null && <Notice error={pausing.error} className="mt-3" />}
      {data !== undefined && data.dead_letters.length > 0 && (
        <DeadLetters letters={data.dead_letters} />
      )}
    </section>
  );
}

interface TableProps {
  queues: readonly Queue[];
  busy: boolean;
  onPause: (queue: Queue) => void;
}

/** A table, whose rows become blocks on a phone, each value with the name of its column. */
function Table({ queues, busy, onPause }: TableProps) {
  return (
    <div className="relative -mx-4 overflow-x-auto px-4">
      <table className="w-full text-[0.8125rem] max-sm:block sm:min-w-[30rem]">
        <thead className="max-sm:sr-only">
          <tr className="label-caps border-b text-right [&>th]:pb-2 [&>th]:font-[550]">
            <th className="text-left">Lane</th>
            {COLUMNS.map((column) => (
              <th key={column}>{column}</th>
            ))}
            <th>
              <span className="sr-only">Pause</span>
            </th>
          </tr>
        </thead>
        <tbody className="tabular max-sm:block">
          {queues.map((queue) => (
            <Row key={queue.lane} queue={queue} busy={busy} onPause={() => onPause(queue)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  queue: Queue;
  busy: boolean;
  onPause: () => void;
}

function Row({ queue, busy, onPause }: RowProps) {
  const { lane, paused } = queue;
  const action = paused ? "Resume" : "Pause";
  const oldest = queue.oldest_secs == null ? "–" : seconds(queue.oldest_secs);
  const cells: Record<(typeof COLUMNS)[number], [shown: string, colour?: string]> = {
    Waiting: [count(queue.queued)],
    Oldest: [oldest, "text-soft"],
    Running: [count(queue.running)],
    Done: [count(queue.succeeded)],
    Failed: [count(queue.failed), queue.failed > 0 ? "text-ruby" : ""],
    Workers: [count(queue.workers), queue.workers === 0 ? "text-ruby" : ""],
  };
  return (
    <tr
      data-lane={lane}
      className="border-b text-right last:border-0 max-sm:relative max-sm:grid max-sm:grid-cols-3
        max-sm:gap-x-4 max-sm:py-2.5 max-sm:text-left sm:[&>td]:py-2.5"
    >
      <th
        scope="row"
        className="text-left font-normal max-sm:col-span-3 max-sm:pr-24 sm:py-2.5"
      >
        <span className="block font-medium capitalize">{lane}</span>
        <span className={cn("block text-xs", paused ? "text-amber" : "text-soft")}>
          {paused ? "paused" : LANE_HINTS[lane]}
        </span>
      </th>
      {COLUMNS.map((column) => {
        const [shown, colour] = cells[column];
        return (
          <td
            key={column}
            data-column={column}
            className={cn(
              "max-sm:pt-1.5 max-sm:before:block max-sm:before:text-2xs max-sm:before:text-soft",
              "max-sm:before:content-[attr(data-column)]",
              colour,
            )}
          >
            {shown}
          </td>
        );
      })}
      <td className="max-sm:absolute max-sm:top-2.5 max-sm:right-0 sm:pl-3">
        <Button size="tiny" disabled={busy} aria-label={`${action} ${lane}`} onClick={onPause}>
          {paused ? <Play /> : <Pause />}
          {action}
        </Button>
      </td>
    </tr>
  );
}

function DeadLetters({ letters }: { letters: readonly Schemas["DeadLetterResponse"][] }) {
  return (
    <details className="mt-3 text-[0.8125rem]">
      <summary className="text-ruby">{letters.length} tasks could not be read</summary>
      <ul className="mt-2 flex flex-col gap-1">
        {letters.map((letter, index) => (
          <li key={index}>
            <span className="text-soft">{letter.at}</span> {letter.reason}
          </li>
        ))}
      </ul>
    </details>
  );
}
