import { useState } from "react";

import { useQueryState } from "@/find/query-state";
import { queryOf } from "@/find/fields";
import { useJobs } from "@/jobs/store";
import { uniqueId } from "@/lib/id";
import { seenBase } from "@/pad/seen";
import { drawingNow, usePad } from "@/pad/store";
import { useReferences } from "@/references/store";

import { generate, useEstimate } from "./calls";
import { keepMadeFrom } from "./made-from";
import { picturesFor, placeholdersFor } from "./pictures";
import { lackingFor, withPreset } from "./presets";
import { useProvider } from "./provider";
import { bodyOf, missing, ratioNamed, useWish, wishOf, withDrawing, type Wish } from "./wish";

/** The form's settings as they will be sent, given the drawing and the provider. */
export function useCurrentWish(): Wish {
  const wish = wishOf(useWish());
  const drawing = usePad(({ history }) => history.present);
  const provider = useProvider();
  return {
    ...wish,
    // An opened drawing has its own ratio.
    ratio: ratioNamed(drawing) ?? wish.ratio,
    // A provider that is no longer configured is not sent, since the form does not show it either.
    provider: provider?.provider === wish.provider ? wish.provider : "",
  };
}

/** The request of the form: what it lacks, what it would cost, and how it is sent. */
export function useGeneration(wish: Wish) {
  const drawing = usePad(({ history }) => history.present);
  const references = useReferences((state) => state.references);
  const provider = useProvider();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);

  const placeholders = placeholdersFor(drawing, wish);
  const lacking =
    missing(wish, references, placeholders) ??
    lackingFor(wish.preset, provider, references, placeholders);
  const estimate = useEstimate(
    lacking === null
      ? withPreset(bodyOf(wish, references, placeholders, null), wish.preset, provider)
      : null,
  );

  const start = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const drawn = drawingNow();
      const pictures = await picturesFor(drawn, wish);
      const query = queryOf(useQueryState.getState());
      const drawnFor = withDrawing(bodyOf(wish, references, pictures, query), drawn);
      const body = withPreset(drawnFor, wish.preset, provider);
      const job = await generate(body, uniqueId());
      useJobs.getState().watch(job, true);
      // If storing fails, there is no comparison later, but the job continues.
      await keepMadeFrom(job.id, pictures, seenBase(drawn)).catch(() => undefined);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return { start, busy, failure, lacking, estimate };
}
