import { SlidersHorizontal } from "lucide-react";
import type { ReactNode } from "react";

import { SPACES, type Space } from "@/api/results";
import { percent } from "@/lib/format";
import { Button } from "@/ui/button";
import { Segments, Slider, Switch } from "@/ui/controls";
import { Popover } from "@/ui/overlays";

import { SPACE_NAMES } from "./bars";
import { presetOf, PRESETS, useQueryState } from "./query-state";

const SPACE_HINTS: Record<Space, string> = {
  image: "colours and rendering",
  edge: "outline and pose",
  text: "tags and meaning",
  style: "strokes and texture",
};

/** Presets of the weights. */
export function Presets() {
  const { weights, set } = useQueryState();
  return (
    <Segments
      label="Weights preset"
      value={presetOf(weights)?.name ?? ""}
      onChange={(name) => {
        const preset = PRESETS.find((known) => known.name === name);
        if (preset !== undefined) set({ weights: preset.weights });
      }}
      choices={PRESETS.map(({ name, title, explains }) => ({
        value: name,
        label: title,
        title: explains,
      }))}
    />
  );
}

/** The single weights, and other settings of the ranking. */
export function Tune({ calibrated }: { calibrated: boolean }) {
  const weights = useQueryState((query) => query.weights);
  const custom = presetOf(weights) === null;
  return (
    <Popover
      label="Search settings"
      align="end"
      className="w-80"
      trigger={
        <Button look="ghost" size="small" aria-label="Search settings" title="Weights and ranking">
          <SlidersHorizontal />
          {custom ? "Custom" : "Tune"}
        </Button>
      }
    >
      <div className="flex flex-col gap-4 [&>*+*]:border-t [&>*+*]:pt-3">
        <Weights />
        <Ranking calibrated={calibrated} />
        <Origin />
        <Switches />
      </div>
    </Popover>
  );
}

function Weights() {
  const { weights, set } = useQueryState();
  return (
    <fieldset className="flex flex-col gap-2.5">
      <legend className="label-caps mb-1">Weights</legend>
      {SPACES.map((space) => (
        <SliderRow
          key={space}
          label={SPACE_NAMES[space]}
          hint={SPACE_HINTS[space]}
          name={`Weight of ${SPACE_NAMES[space].toLowerCase()}`}
          value={weights[space]}
          onChange={(value) => set({ weights: { ...weights, [space]: value } })}
        />
      ))}
    </fieldset>
  );
}

function Ranking({ calibrated }: { calibrated: boolean }) {
  const { diversity, minPercentile, set } = useQueryState();
  const least = minPercentile === 0 ? "all" : percent(minPercentile);
  return (
    <div className="flex flex-col gap-2">
      <SliderRow
        label="Diversity"
        value={diversity}
        onChange={(value) => set({ diversity: value })}
      />
      {/* Without calibration the server refuses a percentile, so that one can only be removed. */}
      {(calibrated || minPercentile > 0) && (
        <SliderRow
          label="Minimum percentile"
          value={minPercentile}
          max={0.99}
          step={0.01}
          shown={least}
          onChange={(value) => set({ minPercentile: value })}
        />
      )}
    </div>
  );
}

function Origin() {
  const { origin, set } = useQueryState();
  return (
    <div className="flex items-center justify-between gap-3">
      <span className="text-[0.8125rem]">Pictures</span>
      <Segments
        small
        label="Which pictures"
        value={origin}
        onChange={(value) => set({ origin: value })}
        choices={[
          { value: "gallery", label: "Gallery" },
          { value: "generated", label: "Generated" },
          { value: "any", label: "Both" },
        ]}
      />
    </div>
  );
}

function Switches() {
  const { useSketch, severalGuesses, personalise, set } = useQueryState();
  return (
    <div className="flex flex-col gap-2.5">
      <Switch
        id="use-pad"
        label="Search with the drawing"
        checked={useSketch}
        onChange={(value) => set({ useSketch: value })}
      />
      <Switch
        id="several-guesses"
        label="Show several guesses at a drawing"
        checked={severalGuesses}
        onChange={(value) => set({ severalGuesses: value })}
      />
      <Switch
        id="personalise"
        label="Personalise the ranking"
        checked={personalise}
        onChange={(value) => set({ personalise: value })}
      />
      <a href="#/boards/taste" className="text-xs text-blue underline-offset-4 hover:underline">
        See and edit your taste
      </a>
    </div>
  );
}

interface SliderRowProps {
  label: string;
  /** The accessible name, where it is not the label. */
  name?: string;
  hint?: ReactNode;
  value: number;
  max?: number;
  step?: number;
  /** The value as it is shown. */
  shown?: string;
  onChange: (value: number) => void;
}

function SliderRow({
  label,
  name = label,
  hint,
  value,
  shown,
  onChange,
  ...range
}: SliderRowProps) {
  const text = shown ?? value.toFixed(2);
  return (
    <div className="grid grid-cols-[7rem_1fr_2rem] items-center gap-3">
      <span className="leading-4">
        <span className="block text-[0.8125rem]">{label}</span>
        {hint !== undefined && <span className="block text-2xs text-soft">{hint}</span>}
      </span>
      <Slider label={name} value={value} valueText={text} onChange={onChange} {...range} />
      <span className="tabular text-right text-xs text-soft">{text}</span>
    </div>
  );
}
