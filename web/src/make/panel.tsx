import { Wand2 } from "lucide-react";

import { useJobs } from "@/jobs/store";
import { cn } from "@/lib/classes";
import { useNow } from "@/lib/use-now";
import { Empty } from "@/ui/states";

import { MakeForm } from "./form";
import { GenerateCard } from "./job-card";

/** The generation form, and the jobs that were started here. */
export function MakePanel({ className }: { className?: string }) {
  const { views, recent, forget } = useJobs();
  const now = useNow();
  const shown = recent.flatMap((id) => views[id] ?? []);
  return (
    <section
      aria-label="Generate"
      className={cn("scroll-slim flex min-h-0 flex-col gap-6 overflow-y-auto p-4", className)}
    >
      <MakeForm />
      <div className="flex flex-col gap-3 border-t pt-5">
        <h2 className="font-semibold tracking-tight">Recent generations</h2>
        {shown.length === 0 ? (
          <Empty icon={<Wand2 />} title="No generations yet" className="py-6">
            Pictures appear here while they are generated.
          </Empty>
        ) : (
          shown.map((view) => (
            <GenerateCard
              key={view.job.id}
              view={view}
              now={now}
              onForget={() => forget(view.job.id)}
            />
          ))
        )}
      </div>
    </section>
  );
}
