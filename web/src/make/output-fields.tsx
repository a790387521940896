import { Dices } from "lucide-react";

import type { Provider } from "@/api/client";
import { usePad } from "@/pad/store";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/controls";

import type { FieldsProps } from "./prompt-fields";
import { MOST_PICTURES, RATIOS, seedFault, useWish } from "./wish";

/** The number of pictures, their aspect ratio, the seed and the provider. */
export function OutputFields({
  wish,
  provider,
  providers,
}: FieldsProps & { providers: readonly Provider[] }) {
  const set = useWish((state) => state.set);
  return (
    <div className="grid grid-cols-[repeat(auto-fit,minmax(6.5rem,1fr))] gap-3">
      <Field label="Pictures" htmlFor="count">
        <Select
          id="count"
          value={wish.count}
          onChange={(event) => set({ count: Number(event.target.value) })}
        >
          {Array.from({ length: MOST_PICTURES }, (_, index) => (
            <option key={index + 1}>{index + 1}</option>
          ))}
        </Select>
      </Field>
      <RatioField ratio={wish.ratio} />
      {provider?.seed !== "no" && <SeedField seed={wish.seed} />}
      {providers.length > 1 && (
        <Field label="Provider" htmlFor="provider">
          <Select
            id="provider"
            value={provider?.provider ?? ""}
            onChange={(event) => set({ provider: event.target.value })}
          >
            {providers.map((known) => (
              <option key={known.provider} value={known.provider}>
                {optionOf(known)}
              </option>
            ))}
          </Select>
        </Field>
      )}
    </div>
  );
}

function optionOf({ provider, model, paid }: Provider): string {
  const parts = [provider, ...(model == null ? [] : [model]), ...(paid ? ["paid"] : [])];
  return parts.join(" · ");
}

/** The aspect ratio of the pictures and of the paper. A base determines both. */
function RatioField({ ratio }: { ratio: string }) {
  const set = useWish((state) => state.set);
  const change = usePad((pad) => pad.change);
  const base = usePad(({ history }) => history.present.base);
  const choose = (chosen: string) => {
    set({ ratio: chosen });
    change({ type: "ratio", ratio: chosen });
  };
  return (
    <Field label="Ratio" htmlFor="ratio" hint={base === null ? undefined : "from the base"}>
      <Select
        id="ratio"
        value={base === null ? ratio : ""}
        disabled={base !== null}
        onChange={(event) => choose(event.target.value)}
      >
        {base !== null && (
          <option value="">
            {base.width} × {base.height}
          </option>
        )}
        {RATIOS.map((known) => (
          <option key={known}>{known}</option>
        ))}
      </Select>
    </Field>
  );
}

function SeedField({ seed }: { seed: string }) {
  const set = useWish((state) => state.set);
  const fault = seedFault(seed);
  const roll = () => set({ seed: String(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) });
  return (
    <Field label="Seed" htmlFor="seed" fault={fault}>
      <div className="flex gap-1">
        <Input
          id="seed"
          inputMode="numeric"
          placeholder="any"
          value={seed}
          aria-invalid={fault !== null}
          onChange={(event) => set({ seed: event.target.value })}
        />
        <Button look="ghost" size="icon" aria-label="New seed" title="New seed" onClick={roll}>
          <Dices />
        </Button>
      </div>
    </Field>
  );
}
