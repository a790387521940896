/** The properties of a provider that the form and the references need. */

import type { Provider, Schemas } from "./client";

/** The failed checks of a provider. */
export function failedChecks({ checks }: Provider): Schemas["CheckResponse"][] {
  return checks.filter(({ level }) => level !== "ok");
}

/** Its name, with its model where it has one. */
export function titleOf({ provider, model }: Provider): string {
  return model == null ? provider : `${provider} (${model})`;
}
