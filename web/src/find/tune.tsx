import { SlidersHorizontal } from "lucide-react";

import { useFeatures } from "@/api/queries";
import { SPACES } from "@/api/pictures";
import { percent } from "@/lib/format";
import { Button } from "@/ui/button";
import { Segments, Slider, Switch } from "@/ui/controls";
import { Popover } from "@/ui/overlays";

import { SPACE_NAMES } from "./bars";
import { presetOf, PRESETS, useQueryState } from "./query";

const EXPLAINS = { image: "colours and rendering", edge: "outline and pose", text: "what its tags say" } as const;

/** Presets for what counts. */
export function Presets() {
  const { weights, set } = useQueryState();
  return (
    <Segments
      label="What counts"
      value={presetOf(weights)?.name ?? ""}
      onChange={(name) => {
        const preset = PRESETS.find((known) => known.name === name);
        if (preset !== undefined) set({ weights: preset.weights });
      }}
      choices={PRESETS.map((preset) => ({ value: preset.name, label: preset.title, title: preset.explains }))}
    />
  );
}

/** The three weights themselves, and what else bends the ranking. */
export function Tune() {
  const { features } = useFeatures();
  const query = useQueryState();
  const custom = presetOf(query.weights) === null;
  return (
    <Popover
      label="Fine tuning"
      align="end"
      className="w-80"
      trigger={
        <Button look="ghost" size="small" aria-label="Fine tuning" title="Weights and ranking">
          <SlidersHorizontal />{custom ? "Custom" : "Tune"}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <fieldset className="flex flex-col gap-2.5">
          <legend className="label-caps mb-1">Weights</legend>
          {SPACES.map((space) => (
            <div key={space} className="grid grid-cols-[7rem_1fr_2rem] items-center gap-3">
              <span className="leading-4"><span className="block text-[0.8125rem]">{SPACE_NAMES[space]}</span><span className="block text-2xs text-soft">{EXPLAINS[space]}</span></span>
              <Slider label={`Weight of ${SPACE_NAMES[space].toLowerCase()}`} value={query.weights[space]} onChange={(value) => query.set({ weights: { ...query.weights, [space]: value } })} />
              <span className="tabular text-right text-xs text-soft">{query.weights[space].toFixed(2)}</span>
            </div>
          ))}
        </fieldset>
        {(features.diversity || features.minPercentile) && (
          <div className="flex flex-col gap-2 border-t pt-3">
            {features.diversity && (
              <div className="grid grid-cols-[7rem_1fr_2rem] items-center gap-3">
                <span className="text-[0.8125rem]">Variety</span>
                <Slider label="Variety" value={query.diversity} onChange={(diversity) => query.set({ diversity })} />
                <span className="tabular text-right text-xs text-soft">{query.diversity.toFixed(2)}</span>
              </div>
            )}
            {features.minPercentile && (
              <div className="grid grid-cols-[7rem_1fr_2rem] items-center gap-3">
                <span className="text-[0.8125rem]">Only the best</span>
                <Slider label="Only the best" value={query.minPercentile} max={0.99} step={0.01} valueText={query.minPercentile === 0 ? "all" : `above ${percent(query.minPercentile)}`} onChange={(minPercentile) => query.set({ minPercentile })} />
                <span className="tabular text-right text-xs text-soft">{query.minPercentile === 0 ? "all" : percent(query.minPercentile)}</span>
              </div>
            )}
          </div>
        )}
        {features.madePictures && (
          <div className="flex items-center justify-between gap-3 border-t pt-3">
            <span className="text-[0.8125rem]">Pictures</span>
            <Segments
              small
              label="Which pictures"
              value={query.origin}
              onChange={(origin) => query.set({ origin })}
              choices={[
                { value: "gallery", label: "Gallery" },
                { value: "generated", label: "Made here" },
                { value: "any", label: "Both" },
              ]}
            />
          </div>
        )}
        <div className="flex flex-col gap-2.5 border-t pt-3">
          <Switch id="use-pad" label="Search by what is on the pad" checked={query.useSketch} onChange={(useSketch) => query.set({ useSketch })} />
          {features.diversity && (
            <Switch id="several-guesses" label="Show several guesses at my drawing" checked={query.severalGuesses} onChange={(severalGuesses) => query.set({ severalGuesses })} />
          )}
          <Switch id="personalise" label="Let my taste bend the ranking" checked={query.personalise} onChange={(personalise) => query.set({ personalise })} />
        </div>
      </div>
    </Popover>
  );
}
