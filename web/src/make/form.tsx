import { Dices, Wand2 } from "lucide-react";
import { useState } from "react";

import { useFeatures, useProviders } from "@/api/queries";
import { queryOf, useQueryState } from "@/find/query";
import { cn } from "@/lib/classes";
import { percent, words } from "@/lib/format";
import { uniqueId } from "@/lib/id";
import { useJobs } from "@/jobs/store";
import { hasInk } from "@/pad/drawing";
import { drawingNow, usePad } from "@/pad/store";
import { useTray } from "@/tray/tray";
import { Button } from "@/ui/button";
import { Field, Input, Select, Slider, Switch, Textarea } from "@/ui/controls";
import { Notice } from "@/ui/states";

import { generate, useEstimate } from "./calls";
import { keepMadeFrom } from "./made-from";
import { picturesFor, placeholdersFor } from "./pictures";
import { Painter } from "./painter";
import { useProvider } from "./provider";
import { ReceiptList, summary } from "./receipt";
import { bodyOf, lacks, MOST_PICTURES, MOST_STYLE_TAGS, ratioNamed, RATIOS, seedFault, toggledStyle, useWish, wishOf } from "./wish";

/** What to make, and what the provider will do with it. */
export function MakeForm() {
  const state = useWish();
  const { set } = state;
  const drawing = usePad(({ history }) => history.present);
  // The paper is what is seen: a drawing that was opened brings its own ratio.
  const ratio = ratioNamed(drawing) ?? state.ratio;
  const change = usePad((pad) => pad.change);
  const references = useTray((tray) => tray.references);
  const query = useQueryState();
  const provider = useProvider();
  const { features } = useFeatures();
  const { data: providers, error: providersError } = useProviders();
  // A provider that is no longer set up is not asked: what is shown is what is sent.
  const wish = { ...wishOf(state), ratio, provider: provider?.name === state.provider ? state.provider : "" };
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>(null);

  const placeholders = placeholdersFor(drawing, wish);
  const lacking = lacks(wish, references, placeholders);
  const estimate = useEstimate(lacking === null ? bodyOf(wish, references, placeholders, null) : null);
  const inked = hasInk(drawing, "line");
  const masked = hasInk(drawing, "mask");

  const make = async () => {
    setBusy(true);
    setFault(null);
    try {
      const drawn = drawingNow();
      const pictures = await picturesFor(drawn, wish);
      const job = await generate(bodyOf(wish, references, pictures, queryOf(query)), uniqueId());
      useJobs.getState().watch(job, true);
      // A browser that keeps nothing compares nothing later; what is made is the same.
      await keepMadeFrom(job.id, pictures, drawn.base).catch(() => undefined);
    } catch (error) {
      setFault(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      aria-label="What to make"
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void make();
      }}
    >
      <Field label="Prompt" htmlFor="prompt" hint={provider?.prompt === "approximate" && provider.promptNote !== "" ? `Of the words, ${provider.name} takes ${provider.promptNote}` : undefined}>
        <Textarea id="prompt" rows={2} placeholder="A red apple on a wooden table" value={wish.prompt} onChange={(event) => set({ prompt: event.target.value })} />
      </Field>
      {provider !== null && provider.negativePrompt !== "no" && (
        <Field label="Without" htmlFor="negative-prompt">
          <Input id="negative-prompt" value={wish.negativePrompt} onChange={(event) => set({ negativePrompt: event.target.value })} />
        </Field>
      )}
      {provider !== null && provider.styleTags.length > 0 && (
        <fieldset>
          <legend className="label-caps mb-1.5">Style <span className="font-normal">· at most {MOST_STYLE_TAGS}</span></legend>
          <div className="flex flex-wrap gap-1.5">
            {provider.styleTags.map((tag) => {
              const on = wish.styleTags.includes(tag);
              return (
                <button
                  key={tag}
                  type="button"
                  aria-pressed={on}
                  disabled={!on && wish.styleTags.length >= MOST_STYLE_TAGS}
                  onClick={() => set({ styleTags: toggledStyle(wish.styleTags, tag) })}
                  className={cn("h-7 rounded-full border px-2.5 text-xs font-medium transition-colors disabled:opacity-45", on ? "border-blue bg-blue-soft text-blue" : "border-line bg-raised text-soft enabled:hover:border-edge enabled:hover:text-ink")}
                >
                  {words(tag)}
                </button>
              );
            })}
          </div>
        </fieldset>
      )}
      <div className="grid grid-cols-[repeat(auto-fit,minmax(6.5rem,1fr))] gap-3">
        <Field label="Pictures" htmlFor="count">
          <Select id="count" value={wish.count} onChange={(event) => set({ count: Number(event.target.value) })}>
            {Array.from({ length: MOST_PICTURES }, (_, index) => <option key={index + 1}>{index + 1}</option>)}
          </Select>
        </Field>
        <Field label="Ratio" htmlFor="ratio" hint={drawing.base === null ? undefined : "as the base"}>
          <Select
            id="ratio"
            value={drawing.base === null ? wish.ratio : ""}
            disabled={drawing.base !== null}
            onChange={(event) => {
              set({ ratio: event.target.value });
              change({ type: "ratio", ratio: event.target.value });
            }}
          >
            {drawing.base !== null && <option value="">{drawing.base.width} × {drawing.base.height}</option>}
            {RATIOS.map((ratio) => <option key={ratio}>{ratio}</option>)}
          </Select>
        </Field>
        {provider?.seed !== "no" && (
          <Field label="Seed" htmlFor="seed" fault={seedFault(wish.seed)}>
            <div className="flex gap-1">
              <Input id="seed" inputMode="numeric" placeholder="any" value={wish.seed} aria-invalid={seedFault(wish.seed) !== null} onChange={(event) => set({ seed: event.target.value })} />
              <Button look="ghost" size="icon" aria-label="Another seed" title="Another seed" onClick={() => set({ seed: String(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) })}><Dices /></Button>
            </div>
          </Field>
        )}
        {(providers?.providers.length ?? 0) > 1 && (
          <Field label="Provider" htmlFor="provider">
            <Select id="provider" value={provider?.name ?? ""} onChange={(event) => set({ provider: event.target.value })}>
              {providers?.providers.map(({ name, model, paid }) => <option key={name} value={name}>{name}{model === null ? "" : ` · ${model}`}{paid ? " · paid" : ""}</option>)}
            </Select>
          </Field>
        )}
      </div>
      <div className="flex flex-col gap-2">
        <div className="flex items-center gap-3">
          <Switch id="use-sketch" label={inked ? "Keep to the sketch" : "Keep to the sketch (nothing is drawn)"} checked={wish.useSketch && inked} disabled={!inked} onChange={(useSketch) => set({ useSketch })} />
          {wish.useSketch && inked && (
            <span className="ml-auto flex w-40 items-center gap-2">
              <Slider label="How closely the sketch is kept" value={wish.sketchWeight} valueText={percent(wish.sketchWeight)} onChange={(sketchWeight) => set({ sketchWeight })} />
              <span className="tabular w-9 text-right text-xs text-soft">{percent(wish.sketchWeight)}</span>
            </span>
          )}
        </div>
        {drawing.base !== null && provider?.mask !== "no" && (
          <div>
            <Switch id="use-mask" label={masked ? "Change only what the mask covers" : "Change all of the base (no mask is painted)"} checked={wish.useMask && masked} disabled={!masked} onChange={(useMask) => set({ useMask })} />
            {masked && provider?.mask === "approximate" && provider.maskNote !== "" && <p className="mt-1 ml-10 text-xs text-soft">{provider.maskNote}</p>}
          </div>
        )}
        <Switch id="strict" label="Refuse rather than approximate" checked={wish.strict} onChange={(strict) => set({ strict })} />
        {features.madePictures && <Switch id="add-to-gallery" label="Add the pictures to the gallery" checked={wish.addToGallery} onChange={(addToGallery) => set({ addToGallery })} />}
      </div>
      {provider !== null && <Painter provider={provider} others={(providers?.providers ?? []).filter(({ name }) => name !== provider.name)} />}
      {providersError !== null && <Notice error={providersError} />}
      {lacking === null && estimate.error !== null && <Notice error={estimate.error} />}
      {fault !== null && <Notice error={fault} />}
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button look="solid" type="submit" disabled={busy || lacking !== null || provider === null}>
          <Wand2 />{busy ? "Sending…" : `Generate ${wish.count === 1 ? "a picture" : `${wish.count} pictures`}`}
        </Button>
        <p className="min-w-0 text-[0.8125rem] text-soft" role="status">
          {lacking ?? (estimate.data === undefined ? "" : estimate.data.usd === null ? estimate.data.note : estimate.data.usd === 0 ? "Free" : `About $${estimate.data.usd.toFixed(2)}`)}
        </p>
      </div>
      {lacking === null && estimate.data?.receipt && (
        <details className="group rounded-md border border-line bg-raised px-3 py-2.5 text-[0.8125rem]">
          <summary className="flex list-none items-center justify-between gap-3">
            <span>{summary(estimate.data.receipt)}</span>
            <span className="text-xs text-soft group-open:hidden">Show</span>
            <span className="hidden text-xs text-soft group-open:inline">Hide</span>
          </summary>
          <div className="mt-3 border-t pt-3"><ReceiptList receipt={estimate.data.receipt} title={`What ${estimate.data.provider} will do`} /></div>
        </details>
      )}
    </form>
  );
}
