import { ArrowLeft, Ban, Wand2 } from "lucide-react";
import { useState } from "react";

import { messageOf } from "@/api/problem";
import { useProviders } from "@/api/queries";
import { summary } from "@/api/receipt";
import { cancelJob, useJobs } from "@/jobs/store";
import { isOver } from "@/jobs/view";
import { percent, plural, words } from "@/lib/format";
import { placeholdersFor } from "@/make/pictures";
import { lackingFor } from "@/make/presets";
import { useProvider } from "@/make/provider";
import { useCurrentWish } from "@/make/use-generation";
import { missing, seedFault, useWish } from "@/make/wish";
import { usePad } from "@/pad/store";
import { useReferences } from "@/references/store";
import { showPanel } from "@/state/layout";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/states";

import { AxesForm } from "./axes";
import { Grid } from "./grid";
import { planFault, planOf, priceText, totalOf, type Column, type Plan, type Row } from "./plan";
import { startRun, usePrices, type Priced } from "./requests";
import { referencesOf, useBench, type Run, type RunRow } from "./store";

/** Compares references, weights, seeds and providers for one request, side by side. */
export default function BenchView() {
  const run = useBench((bench) => bench.run);
  return (
    <div className="scroll-slim relative h-full overflow-y-auto">
      <div className="mx-auto flex max-w-6xl flex-col gap-5 p-5 max-sm:p-3">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="text-lg font-semibold tracking-tight">Variations</h1>
          <Button size="small" onClick={() => showPanel("make")}>
            <ArrowLeft />
            Back to the form
          </Button>
        </div>
        <Planned />
        {run !== null && <Pictures run={run} />}
      </div>
    </div>
  );
}

/** The request of the form, with the providers that the bench may use. */
function useRequest() {
  const wish = useCurrentWish();
  const provider = useProvider();
  const { data } = useProviders();
  const providers = data?.providers ?? [];
  const drawing = usePad(({ history }) => history.present);
  const references = useReferences((state) => state.references);
  const placeholders = placeholdersFor(drawing, wish);
  const lacking =
    missing(wish, references, placeholders) ??
    lackingFor(wish.preset, provider, references, placeholders);
  return { wish, provider, providers, references, placeholders, lacking };
}

/** What is varied, what that costs, and its start. */
function Planned() {
  const { wish, provider, providers, references, placeholders, lacking } = useRequest();
  const bench = useBench();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const isFixed = wish.seedLocked && wish.seed.trim() !== "" && seedFault(wish.seed) === null;
  const own = isFixed ? [Number(wish.seed)] : [];
  const known = bench.axes.providers.filter((name) =>
    providers.some((one) => one.provider === name),
  );
  const chosen = known.length > 0 ? known : provider === null ? [] : [provider.provider];
  const axes = { ...bench.axes, providers: chosen };
  const plan = planOf(axes, references, [...own, ...bench.seeds]);
  const fault = lacking ?? planFault(plan);
  const prices = usePrices(wish, plan, providers, placeholders, fault === null);
  const refused = (row: Row, column: Column) =>
    prices.some(
      (one) => one.row.key === row.key && one.provider === column.provider && one.error !== null,
    );
  const cells = plan.rows.flatMap((row) =>
    plan.columns.filter((column) => !refused(row, column)).map((column) => ({ row, column })),
  );
  const start = () => {
    setBusy(true);
    setFailure(null);
    startRun(wish, plan, providers, refused)
      .catch(setFailure)
      .finally(() => setBusy(false));
  };
  return (
    <form
      aria-label="What is varied"
      className="flex flex-col gap-4 rounded-lg border bg-panel p-4"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <p className="text-[0.8125rem] text-soft">
        {wish.prompt.trim() === "" ? "The form’s request" : `“${wish.prompt.trim()}”`}, once for
        each combination.
      </p>
      <AxesForm
        axes={axes}
        references={references.length}
        providers={providers}
        fixedSeed={own.length > 0}
      />
      {failure !== null && <Notice error={failure} />}
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button
          look="solid"
          type="submit"
          disabled={busy || fault !== null || cells.length === 0 || isPricing(prices)}
        >
          <Wand2 />
          {busy ? "Sending…" : startLabel(cells.length)}
        </Button>
        <p id="bench-price" role="status" className="text-[0.8125rem] text-soft">
          {fault ?? (isPricing(prices) ? "Asking for the price…" : priceOf(plan, prices))}
        </p>
      </div>
      {fault === null && <Treatments prices={prices} />}
    </form>
  );
}

function startLabel(pictures: number): string {
  return pictures === 0 ? "Generate" : `Generate ${plural(pictures, "picture")}`;
}

function isPricing(prices: readonly Priced[]): boolean {
  return prices.some(({ estimate, error }) => estimate === undefined && error === null);
}

/** The price of all pictures that are not refused. */
function priceOf({ columns }: Plan, prices: readonly Priced[]): string {
  const each = prices.flatMap(({ provider, estimate }) => {
    const seeds = columns.filter((column) => column.provider === provider).length;
    if (estimate === undefined) return [];
    return Array.from({ length: seeds }, () => estimate.usd ?? null);
  });
  const refused = prices.filter(({ error }) => error !== null).length;
  const total = each.length === 0 ? "" : priceText(totalOf(each));
  if (refused === 0) return total;
  return [total, `${plural(refused, "combination")} refused, see below`].filter(Boolean).join("; ");
}

/** How each combination would be treated, before anything is sent. */
function Treatments({ prices }: { prices: readonly Priced[] }) {
  const refused = prices.some(({ error }) => error !== null);
  return (
    <details open={refused} className="text-[0.8125rem]">
      <summary>How each combination will be treated</summary>
      <ul className="mt-2 flex flex-col gap-1">
        {prices.map(({ row, provider, estimate, error }) => (
          <li key={`${row.key} ${provider}`} className="flex flex-wrap gap-x-2">
            <span className="font-medium">
              {words(row.title)}
              {row.weight === null ? "" : ` at ${percent(row.weight)}`}, {provider}
            </span>
            {error !== null ? (
              <span className="text-ruby">{messageOf(error)}</span>
            ) : (
              <span className="text-soft">
                {estimate === undefined ? "…" : summary(estimate.receipt)}
              </span>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The pictures of the last run. */
function Pictures({ run }: { run: Run }) {
  const [failure, setFailure] = useState<unknown>(null);
  const views = useJobs((jobs) => jobs.views);
  const open = run.cells.flatMap(({ job }) => {
    const view = job === null ? undefined : views[job];
    return view === undefined || isOver(view.job) ? [] : [view.job.id];
  });
  const sent = run.cells.filter(({ job, failure: fault }) => job !== null || fault !== null).length;
  const done = sent - open.length;
  const cancel = () => {
    setFailure(null);
    Promise.all(open.map(cancelJob)).catch(setFailure);
  };
  return (
    <section aria-label="Pictures" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <h2 className="font-semibold tracking-tight">Pictures</h2>
        <span role="status" className="tabular text-[0.8125rem] text-soft">
          {done} of {run.cells.length} done
        </span>
        {open.length > 0 && (
          <Button size="tiny" look="danger" onClick={cancel}>
            <Ban />
            Cancel the others
          </Button>
        )}
      </div>
      {failure !== null && <Notice error={failure} />}
      <Grid run={run} onPick={(row, column) => setFailure(pick(run, row, column))} />
    </section>
  );
}

/** Puts what a picture was made from into the form. Returns why it cannot, or null. */
function pick(run: Run, row: RunRow, { provider, seed }: Column): Error | null {
  const { references, clear, add } = useReferences.getState();
  const { found, gone } = referencesOf(row, references);
  if (gone > 0) {
    return new Error(
      "It was made from a picture of your own that is not among the references any more. " +
        "Add that picture again, and set its weight.",
    );
  }
  clear();
  found.forEach(add);
  useWish.getState().set({ ...run.wish, provider, seed: String(seed), seedLocked: true });
  showPanel("make");
  return null;
}
