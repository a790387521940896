import { TriangleAlert } from "lucide-react";

import type { Provider } from "@/api/client";
import { failedChecks, titleOf } from "@/api/providers";
import { cn } from "@/lib/classes";

interface ProviderNoteProps {
  provider: Provider;
  /** All configured providers. */
  providers: readonly Provider[];
}

/** The provider of the request, and its failed checks, before anything is sent. */
export function ProviderNote({ provider, providers }: ProviderNoteProps) {
  const { provider: name, paid } = provider;
  const others = providers.flatMap((other) => (other.provider === name ? [] : [other.provider]));
  const checks = failedChecks(provider);
  return (
    <div id="provider-note" className="text-[0.8125rem] text-soft">
      <p>
        Provider: <strong className="font-medium text-ink">{titleOf(provider)}</strong>
        {name === "local" ? ", on this server" : paid ? ", a paid service" : ""}.
        {others.length > 0 && ` Also available: ${others.join(", ")}.`}
      </p>
      {checks.length > 0 && (
        <ul aria-label={`Problems of ${name}`} className="mt-1.5 flex flex-col gap-1">
          {checks.map(({ subject, level, message }) => (
            <li
              key={`${subject} ${message}`}
              className={cn(
                "flex items-start gap-1.5",
                level === "fault" ? "text-ruby" : "text-amber",
              )}
            >
              <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
              <span className="min-w-0">
                {subject === "" ? "" : `${subject}: `}
                {message}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
