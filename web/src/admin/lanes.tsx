import { useMutation, useQuery } from "@tanstack/react-query";
import { Pause, Play } from "lucide-react";

import { api, body, type Queue } from "@/api/client";
import { queryClient } from "@/api/query-client";
import { cn } from "@/lib/classes";
import { count, seconds } from "@/lib/format";
import { Button } from "@/ui/button";
import { Failure, Notice, Skeleton } from "@/ui/states";

const SERVES: Record<string, string> = { interactive: "somebody waits", bulk: "parts of long work", control: "planning" };

/** The lanes that jobs wait in. */
export function Lanes() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["queues"],
    queryFn: async () => body(await api.GET("/api/admin/queues")),
    refetchInterval: 2000,
  });
  const pausing = useMutation({
    mutationFn: async ({ lane, paused }: Queue) => {
      const params = { params: { path: { lane } } };
      return body(paused ? await api.POST("/api/admin/queues/{lane}/resume", params) : await api.POST("/api/admin/queues/{lane}/pause", params));
    },
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
        <div className="-mx-4 overflow-x-auto px-4">
          <table className="w-full min-w-[30rem] text-[0.8125rem]">
            <thead>
              <tr className="label-caps border-b text-right [&>th]:pb-2 [&>th]:font-[550]">
                <th className="text-left">Lane</th><th>Waiting</th><th>Oldest</th><th>Running</th><th>Done</th><th>Failed</th><th>Workers</th><th><span className="sr-only">Pause</span></th>
              </tr>
            </thead>
            <tbody className="tabular">
              {data.queues.map((queue) => (
                <tr key={queue.lane} data-lane={queue.lane} className="border-b text-right last:border-0 [&>td]:py-2.5">
                  <th scope="row" className="py-2.5 text-left font-normal">
                    <span className="block font-medium capitalize">{queue.lane}</span>
                    <span className={cn("block text-xs", queue.paused ? "text-amber" : "text-soft")}>{queue.paused ? "paused" : SERVES[queue.lane]}</span>
                  </th>
                  <td>{count(queue.queued)}</td>
                  <td className="text-soft">{queue.oldest_secs == null ? "–" : seconds(queue.oldest_secs)}</td>
                  <td>{count(queue.running)}</td>
                  <td>{count(queue.succeeded)}</td>
                  <td className={cn(queue.failed > 0 && "text-ruby")}>{count(queue.failed)}</td>
                  <td className={cn(queue.workers === 0 && "text-ruby")}>{count(queue.workers)}</td>
                  <td className="pl-3">
                    <Button size="tiny" disabled={pausing.isPending} aria-label={`${queue.paused ? "Resume" : "Pause"} ${queue.lane}`} onClick={() => pausing.mutate(queue)}>
                      {queue.paused ? <Play /> : <Pause />}{queue.paused ? "Resume" : "Pause"}
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pausing.error !== null && <Notice error={pausing.error} className="mt-3" />}
      {data !== undefined && data.dead_letters.length > 0 && (
        <details className="mt-3 text-[0.8125rem]">
          <summary className="text-ruby">{data.dead_letters.length} tasks could not be read</summary>
          <ul className="mt-2 flex flex-col gap-1">{data.dead_letters.map((letter, index) => <li key={index}><span className="text-soft">{letter.at}</span> {letter.reason}</li>)}</ul>
        </details>
      )}
    </section>
  );
}
