import type { Provider } from "@/api/client";
import { usePad } from "@/pad/store";
import { Field, Select } from "@/ui/controls";

import type { FieldsProps } from "./prompt-fields";
import { SeedField } from "./seed-field";
import { MOST_PICTURES, RATIOS, SIZES, useWish } from "./wish";

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
      {provider?.provider === "local" && <SizeField size={wish.size} />}
      {provider?.seed !== "no" && <SeedField wish={wish} />}
      {providers.length > 1 && (
        <Field label="Provider" htmlFor="provider">
          <Select
            id="provider"
            value={provider?.provider ?? ""}
            onChange={(event) => set({ provider: event.target.value, size: 0 })}
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

/** The long side of the pictures. An edit has the size of its base. */
function SizeField({ size }: { size: number }) {
  const set = useWish((state) => state.set);
  const base = usePad(({ history }) => history.present.base);
  return (
    <Field label="Size" htmlFor="size" hint={base === null ? undefined : "from the base"}>
      <Select
        id="size"
        value={base === null ? size : 0}
        disabled={base !== null}
        onChange={(event) => set({ size: Number(event.target.value) })}
      >
        <option value={0}>Usual</option>
        {SIZES.map((known) => (
          <option key={known} value={known}>
            {known} px
          </option>
        ))}
      </Select>
    </Field>
  );
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
