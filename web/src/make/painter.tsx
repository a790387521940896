import { TriangleAlert } from "lucide-react";

import type { Provider } from "@/api/providers";
import { cn } from "@/lib/classes";

/** Who will paint, and what stands in the way, before anything is sent: a server may have a better one that is not chosen. */
export function Painter({ provider, others }: { provider: Provider; others: readonly Provider[] }) {
  const { name, model, paid, troubles } = provider;
  return (
    <div id="painter" className="text-[0.8125rem] text-soft">
      <p>
        Made by <strong className="font-medium text-ink">{name}{model === null ? "" : ` (${model})`}</strong>
        {name === "local" ? ", on this server" : paid ? ", a paid service" : ""}.
        {others.length > 0 && ` Also set up: ${others.map((other) => other.name).join(", ")}.`}
      </p>
      {troubles.length > 0 && (
        <ul aria-label={`What ${name} lacks`} className="mt-1.5 flex flex-col gap-1">
          {troubles.map(({ subject, message, fault }) => (
            <li key={`${subject} ${message}`} className={cn("flex items-start gap-1.5", fault ? "text-ruby" : "text-amber")}>
              <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
              <span className="min-w-0">{subject === "" ? "" : `${subject}: `}{message}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
