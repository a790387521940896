import type { Provider } from "@/api/client";
import { percent } from "@/lib/format";
import { hasInk } from "@/pad/seen";
import { usePad } from "@/pad/store";
import { Slider, Switch } from "@/ui/controls";

import type { FieldsProps } from "./prompt-fields";
import { useWish } from "./wish";

/** Which parts of the drawing are used, and how strictly. */
export function PictureFields({ wish, provider }: FieldsProps) {
  const set = useWish((state) => state.set);
  const drawing = usePad(({ history }) => history.present);
  return (
    <div className="flex flex-col gap-2">
      <SketchField {...wish} inked={hasInk(drawing, "line")} />
      {drawing.base !== null && provider?.mask !== "no" && (
        <MaskField useMask={wish.useMask} masked={hasInk(drawing, "mask")} provider={provider} />
      )}
      <Switch
        id="strict"
        label="Refuse rather than approximate"
        checked={wish.strict}
        onChange={(strict) => set({ strict })}
      />
      <Switch
        id="add-to-gallery"
        label="Add the pictures to the gallery"
        checked={wish.addToGallery}
        onChange={(addToGallery) => set({ addToGallery })}
      />
    </div>
  );
}

interface SketchFieldProps {
  useSketch: boolean;
  sketchWeight: number;
  /** Whether any lines are drawn. */
  inked: boolean;
}

function SketchField({ useSketch, sketchWeight, inked }: SketchFieldProps) {
  const set = useWish((state) => state.set);
  const weight = percent(sketchWeight);
  return (
    <div className="flex items-center gap-3">
      <Switch
        id="use-sketch"
        label={inked ? "Follow the sketch" : "Follow the sketch (nothing is drawn)"}
        checked={useSketch && inked}
        disabled={!inked}
        onChange={(on) => set({ useSketch: on })}
      />
      {useSketch && inked && (
        <span className="ml-auto flex w-40 items-center gap-2">
          <Slider
            label="Weight of the sketch"
            value={sketchWeight}
            valueText={weight}
            onChange={(value) => set({ sketchWeight: value })}
          />
          <span className="tabular w-9 text-right text-xs text-soft">{weight}</span>
        </span>
      )}
    </div>
  );
}

interface MaskFieldProps {
  useMask: boolean;
  /** Whether a mask is painted. */
  masked: boolean;
  provider: Provider | null;
}

function MaskField({ useMask, masked, provider }: MaskFieldProps) {
  const set = useWish((state) => state.set);
  const note = provider?.mask === "approximate" ? provider.mask_note : "";
  return (
    <div>
      <Switch
        id="use-mask"
        label={
          masked ? "Change only the masked area" : "Change all of the base (no mask is painted)"
        }
        checked={useMask && masked}
        disabled={!masked}
        onChange={(on) => set({ useMask: on })}
      />
      {masked && note !== "" && <p className="mt-1 ml-10 text-xs text-soft">{note}</p>}
    </div>
  );
}
