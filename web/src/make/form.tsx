import { LayoutGrid, Wand2 } from "lucide-react";

import type { Schemas } from "@/api/client";
import { useProviders } from "@/api/queries";
import { summary } from "@/api/receipt";
import { plural } from "@/lib/format";
import { goTo } from "@/state/place";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/states";

import { OutputFields } from "./output-fields";
import { PictureFields } from "./picture-fields";
import { PresetField } from "./preset-field";
import { PromptFields } from "./prompt-fields";
import { useProvider } from "./provider";
import { ProviderNote } from "./provider-note";
import { ReceiptList } from "./receipt";
import { useCurrentWish, useGeneration } from "./use-generation";

/** The generation form: the request, its provider, and how its inputs would be used. */
export function MakeForm() {
  const wish = useCurrentWish();
  const provider = useProvider();
  const { data, error: providersError } = useProviders();
  const providers = data?.providers ?? [];
  const { start, busy, failure, lacking, estimate } = useGeneration(wish);
  const errors = [providersError, lacking === null ? estimate.error : null, failure];

  return (
    <form
      aria-label="Generation settings"
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <PromptFields
        wish={wish}
        provider={provider}
        receipt={lacking === null ? (estimate.data?.receipt ?? null) : null}
      />
      <PresetField chosen={wish.preset} provider={provider} />
      <OutputFields wish={wish} provider={provider} providers={providers} />
      <PictureFields wish={wish} provider={provider} />
      {provider !== null && <ProviderNote provider={provider} providers={providers} />}
      {data?.providers.length === 0 && <NoProvider />}
      {errors.map((error, index) => error !== null && <Notice key={index} error={error} />)}
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button look="solid" type="submit" disabled={busy || lacking !== null || provider === null}>
          <Wand2 />
          {busy ? "Sending…" : `Generate ${plural(wish.count, "picture")}`}
        </Button>
        <Button onClick={() => goTo("bench")}>
          <LayoutGrid />
          Compare variations
        </Button>
        <p className="min-w-0 text-[0.8125rem] text-soft" role="status">
          {lacking ?? (estimate.data === undefined ? "" : price(estimate.data))}
        </p>
      </div>
      {lacking === null && estimate.data !== undefined && <Preview estimate={estimate.data} />}
    </form>
  );
}

function NoProvider() {
  return (
    <p role="status" className="text-[0.8125rem] text-soft">
      No provider is set up on this server, so that it cannot generate pictures.
    </p>
  );
}

type Estimate = Schemas["EstimateResponse"];

function price({ usd, note }: Estimate): string {
  if (usd == null) return note;
  if (usd > 0) return `About $${usd.toFixed(2)}`;
  // A free provider says how long it takes.
  const [, ...rest] = note.split("; ");
  return ["Free", ...rest].join(", ");
}

/** How each input would be used. */
function Preview({ estimate: { provider, receipt } }: { estimate: Estimate }) {
  return (
    <details className="group rounded-md border border-line bg-raised px-3 py-2.5 text-[0.8125rem]">
      <summary className="flex list-none items-center justify-between gap-3">
        <span>{summary(receipt)}</span>
        <span className="text-xs text-soft group-open:hidden">Show</span>
        <span className="hidden text-xs text-soft group-open:inline">Hide</span>
      </summary>
      <div className="mt-3 border-t pt-3">
        <ReceiptList receipt={receipt} title={`What ${provider} will do`} />
      </div>
    </details>
  );
}
