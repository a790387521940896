/** What the bench sends: an estimate for each row and provider, and a job for each picture. */

import { useQueries } from "@tanstack/react-query";

import type { Provider } from "@/api/client";
import { messageOf } from "@/api/problem";
import { queryOf } from "@/find/fields";
import { useQueryState } from "@/find/query-state";
import { useJobs } from "@/jobs/store";
import { uniqueId } from "@/lib/id";
import { estimateOf, generate } from "@/make/calls";
import { keepMadeFrom } from "@/make/made-from";
import { picturesFor, PLACEHOLDER } from "@/make/pictures";
import { withPreset } from "@/make/presets";
import { bodyOf, type Pictures, type Wish, type WishBody } from "@/make/wish";
import { seenBase } from "@/pad/seen";
import { drawingNow } from "@/pad/store";

import type { Column, Plan, Row } from "./plan";
import { runRowOf, useBench, useSending, type Cell } from "./store";

export function requestOf(
  wish: Wish,
  { references }: Row,
  { provider, seed }: Pick<Column, "provider"> & { seed: number | null },
  providers: readonly Provider[],
  pictures: Pictures,
): WishBody {
  // An estimate has no seed, whatever the form has.
  const fixed = { seed: seed === null ? "" : String(seed), seedLocked: seed !== null };
  const own = { ...wish, count: 1, provider, ...fixed };
  const query = queryOf(useQueryState.getState());
  const known = providers.find((one) => one.provider === provider) ?? null;
  return withPreset(bodyOf(own, references, pictures, query), wish.preset, known);
}

/** An estimate depends on which pictures there are, so that none of the artist's is sent. */
function withoutPictures(body: WishBody): WishBody {
  const small = (ref: WishBody["refs"][number]) =>
    ref.image_url == null ? ref : { ...ref, image_url: PLACEHOLDER };
  return { ...body, refs: body.refs.map(small) };
}

export type Estimate = Awaited<ReturnType<typeof estimateOf>>;

export interface Priced {
  row: Row;
  provider: string;
  estimate: Estimate | undefined;
  error: unknown;
}

/** What each row costs and honours at each provider. Seeds change neither. */
export function usePrices(
  wish: Wish,
  { rows, columns }: Plan,
  providers: readonly Provider[],
  placeholders: Pictures,
  enabled: boolean,
): Priced[] {
  const names = [...new Set(columns.map(({ provider }) => provider))];
  const wanted = enabled
    ? rows.flatMap((row) => names.map((provider) => ({ row, provider })))
    : [];
  const answers = useQueries({
    queries: wanted.map(({ row, provider }) => {
      const asked = { provider, seed: null };
      const body = withoutPictures(requestOf(wish, row, asked, providers, placeholders));
      return {
        queryKey: ["estimate", JSON.stringify(body)],
        queryFn: ({ signal }: { signal: AbortSignal }) => estimateOf(body, signal),
        retry: false,
        staleTime: 60_000,
      };
    }),
  });
  return wanted.map((pair, index) => ({
    ...pair,
    estimate: answers[index]?.data,
    error: answers[index]?.error ?? null,
  }));
}

/** Sends the pictures of a plan, one after the other, except for those that are refused anyway. */
export async function startRun(
  wish: Wish,
  plan: Plan,
  providers: readonly Provider[],
  isRefused: (row: Row, column: Column) => boolean,
): Promise<void> {
  const drawn = drawingNow();
  const pictures = await picturesFor(drawn, wish);
  const id = uniqueId();
  const cells = plan.rows.flatMap((row) =>
    plan.columns.filter((column) => !isRefused(row, column)).map((column) => ({ row, column })),
  );
  const unsent = cells.map(
    ({ row, column }): Cell => ({ row: row.key, column: column.key, job: null, failure: null }),
  );
  const { begin, place } = useBench.getState();
  useSending.setState({ run: id });
  begin({ id, wish, rows: plan.rows.map(runRowOf), columns: plan.columns, cells: unsent });
  for (const [index, { row, column }] of cells.entries()) {
    // Another run was started meanwhile, in this tab.
    if (useBench.getState().run?.id !== id) return;
    const sent = (part: Partial<Cell>) => place(id, row.key, column.key, part);
    try {
      const body = requestOf(wish, row, column, providers, pictures);
      const job = await generate(body, `${id}-${index}`);
      useJobs.getState().watch(job, false);
      sent({ job: job.id });
      // If storing fails, there is no comparison later, but the job continues.
      await keepMadeFrom(job.id, pictures, seenBase(drawn)).catch(() => undefined);
    } catch (error) {
      sent({ failure: messageOf(error) });
    }
  }
  useSending.setState({ run: null });
}

