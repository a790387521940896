import { Dices } from "lucide-react";
import type { ReactNode } from "react";

import type { Provider } from "@/api/client";
import { percent, plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { Chip } from "@/ui/chip";

import { MOST_SEEDS, toggled, WEIGHTS, type Axes, type SetName } from "./plan";
import { useBench } from "./store";

const SETS: readonly { name: SetName; title: string }[] = [
  { name: "together", title: "All together" },
  { name: "each", title: "Each alone" },
  { name: "none", title: "Without" },
];

interface AxesFormProps {
  axes: Axes;
  /** How many references there are. */
  references: number;
  providers: readonly Provider[];
  /** Whether the first seed is the form's. */
  fixedSeed: boolean;
}

/** What is varied: references, their weights, seeds and providers. */
export function AxesForm({ axes, references, providers, fixedSeed }: AxesFormProps) {
  const { set, roll } = useBench();
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Axis title={`References (${references})`}>
        {references === 0 ? (
          <span className="text-[0.8125rem] text-soft">
            There are none yet. Add some in the studio to compare them.
          </span>
        ) : (
          SETS.map(({ name, title }) => (
            <Chip
              key={name}
              on={axes.sets.includes(name)}
              onClick={() => set({ sets: toggled(axes.sets, name) })}
            >
              {title}
            </Chip>
          ))
        )}
      </Axis>
      {references > 0 && (
        <Axis title="Weight of the references">
          {WEIGHTS.map((weight) => (
            <Chip
              key={weight ?? "as set"}
              on={axes.weights.includes(weight)}
              onClick={() => set({ weights: inOrder(toggled(axes.weights, weight)) })}
            >
              {weight === null ? "As set" : percent(weight)}
            </Chip>
          ))}
        </Axis>
      )}
      <Axis title="Seeds">
        {Array.from({ length: MOST_SEEDS }, (_, index) => index + 1).map((seeds) => (
          <Chip key={seeds} on={axes.seeds === seeds} onClick={() => set({ seeds })}>
            {plural(seeds, "seed")}
          </Chip>
        ))}
        <Button look="ghost" size="tiny" onClick={roll}>
          <Dices />
          {fixedSeed ? "New seeds, except for the form’s" : "New seeds"}
        </Button>
      </Axis>
      <Axis title="Providers">
        {providers.map(({ provider, paid }) => (
          <Chip
            key={provider}
            on={axes.providers.includes(provider)}
            onClick={() => set({ providers: toggled(axes.providers, provider) })}
          >
            {provider}
            {paid ? " · paid" : ""}
          </Chip>
        ))}
      </Axis>
    </div>
  );
}

/** A weight that is taken out and put back keeps its place. At least one stays. */
function inOrder(weights: readonly (number | null)[]): (number | null)[] {
  const kept = WEIGHTS.filter((weight) => weights.includes(weight));
  return kept.length > 0 ? kept : [null];
}

function Axis({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="min-w-0">
      <legend className="label-caps mb-1.5">{title}</legend>
      <div className="flex flex-wrap items-center gap-1.5">{children}</div>
    </fieldset>
  );
}
