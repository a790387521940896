import type { Provider } from "@/api/providers";

/** Who will paint, and what that means, before anything is sent: a server may have a better one that is not chosen. */
export function Painter({ provider, others }: { provider: Provider; others: readonly Provider[] }) {
  const { name, model, paid } = provider;
  return (
    <p id="painter" className="text-[0.8125rem] text-soft">
      Made by <strong className="font-medium text-ink">{name}{model === null ? "" : ` (${model})`}</strong>
      {name === "local" ? ", on this server" : paid ? ", a paid service" : ""}.
      {others.length > 0 && ` Also set up: ${others.map((other) => other.name).join(", ")}.`}
    </p>
  );
}
