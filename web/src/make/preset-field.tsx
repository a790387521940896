import type { Provider } from "@/api/client";
import { Chip } from "@/ui/chip";

import { GENERATION_PRESETS, knowsPreset, presetNamed } from "./presets";
import { useWish } from "./wish";

/** The presets, and what the chosen one does with this provider. */
export function PresetField({ chosen, provider }: { chosen: string; provider: Provider | null }) {
  const set = useWish((state) => state.set);
  const preset = presetNamed(chosen);
  return (
    <fieldset>
      <legend className="label-caps mb-1.5">Preset</legend>
      <div className="flex flex-wrap gap-1.5">
        <Chip on={preset === null} onClick={() => set({ preset: "" })}>
          As weighted
        </Chip>
        {GENERATION_PRESETS.map(({ name, title, explains, useMask }) => (
          <Chip
            key={name}
            on={name === chosen}
            title={explains}
            onClick={() => set({ preset: name, ...(useMask === undefined ? {} : { useMask }) })}
          >
            {title}
          </Chip>
        ))}
      </div>
      {preset !== null && (
        <p role="status" className="mt-1.5 text-xs text-soft">
          {preset.explains}.{" "}
          {knowsPreset(provider, preset)
            ? `${provider?.provider} has this preset.`
            : `Weights are sent × ${preset.style} for styles, × ${preset.subject} for subjects.`}
        </p>
      )}
    </fieldset>
  );
}
