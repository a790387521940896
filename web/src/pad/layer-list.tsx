import { ArrowDown, ArrowUp, Eye, EyeOff, Layers as LayersIcon, Plus, Trash2 } from "lucide-react";
import type { ReactNode } from "react";

import { cn } from "@/lib/classes";
import { percent } from "@/lib/format";
import { uniqueId } from "@/lib/id";
import { Button } from "@/ui/button";
import { Slider } from "@/ui/controls";
import { Popover } from "@/ui/overlays";

import {
  changedLayer,
  movedLayer,
  withLayer,
  withoutLayer,
  type Layer,
} from "./layers";
import { currentLayer, usePad } from "./store";

/** A button that shows the layers. */
export function LayersButton() {
  return (
    <Popover
      label="Layers"
      className="w-80 p-3"
      trigger={
        <Button look="ghost" size="icon-small" aria-label="Layers">
          <LayersIcon />
        </Button>
      }
    >
      <LayerList />
    </Popover>
  );
}

/** The layers, the highest first, as they cover each other. */
function LayerList() {
  const { layers, base } = usePad(({ history }) => history.present);
  const current = usePad(currentLayer);
  const { change, setLayer } = usePad();
  const shown = layers.filter(({ kind }) => kind === "lines" || base !== null);
  const add = () => {
    const id = uniqueId();
    change({ type: "layers", layers: withLayer(layers, id, current) });
    setLayer(id);
  };
  return (
    <>
      <div className="mb-2 flex items-center justify-between gap-2">
        <h2 className="font-semibold">Layers</h2>
        <Button size="tiny" onClick={add}>
          <Plus />
          Add a layer
        </Button>
      </div>
      <ul aria-label="Layers" className="scroll-slim flex max-h-[50dvh] flex-col gap-1
          overflow-y-auto">
        {[...shown].reverse().map((layer, index) => (
          <LayerRow
            key={layer.id}
            layer={layer}
            current={layer.id === current}
            highest={index === 0}
            lowest={index === shown.length - 1}
          />
        ))}
      </ul>
      <p className="mt-2 text-xs text-soft">
        The mask is above all layers. Hidden layers are not searched by.
      </p>
    </>
  );
}

function LayerRow({
  layer,
  current,
  highest,
  lowest,
}: {
  layer: Layer;
  current: boolean;
  highest: boolean;
  lowest: boolean;
}) {
  const { layers, base } = usePad(({ history }) => history.present);
  const hasBase = base !== null;
  const { change, adjust, setLayer } = usePad();
  const { id, name, kind, hidden, opacity } = layer;
  const put = (next: readonly Layer[]) => change({ type: "layers", layers: next });
  const rename = (wanted: string) => {
    const next = wanted.trim();
    if (next !== "" && next !== name) put(changedLayer(layers, id, { name: next }));
  };
  const removable = kind === "lines" && layers.filter((one) => one.kind === "lines").length > 1;
  return (
    <li
      aria-label={name}
      aria-current={current}
      className={cn("rounded-md border px-2 py-1", current && "border-blue bg-blue-soft")}
    >
      <div className="flex items-center gap-0.5">
        {kind === "lines" ? (
          <input
            type="radio"
            name="layer"
            aria-label={`Draw on ${name}`}
            checked={current}
            onChange={() => setLayer(id)}
            className="mr-1 size-4 shrink-0 accent-(--blue)"
          />
        ) : (
          <span className="mr-1 size-4 shrink-0" />
        )}
        <input
          key={name}
          aria-label={`Name of ${name}`}
          defaultValue={name}
          maxLength={40}
          spellCheck={false}
          onBlur={(event) => {
            rename(event.target.value);
            if (event.target.value.trim() === "") event.target.value = name;
          }}
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
          className="h-7 min-w-0 flex-1 truncate rounded-sm bg-transparent px-1
            focus-visible:bg-raised"
        />
        <RowButton
          name={hidden ? `Show ${name}` : `Hide ${name}`}
          onClick={() => put(changedLayer(layers, id, { hidden: !hidden }))}
        >
          {hidden ? <EyeOff /> : <Eye />}
        </RowButton>
        <RowButton
          name={`Move ${name} up`}
          disabled={highest}
          onClick={() => put(movedLayer(layers, id, 1, hasBase))}
        >
          <ArrowUp />
        </RowButton>
        <RowButton
          name={`Move ${name} down`}
          disabled={lowest}
          onClick={() => put(movedLayer(layers, id, -1, hasBase))}
        >
          <ArrowDown />
        </RowButton>
        <RowButton
          name={`Remove ${name}`}
          disabled={!removable}
          onClick={() => put(withoutLayer(layers, id))}
        >
          <Trash2 />
        </RowButton>
      </div>
      <div className="flex items-center gap-2 pr-1 pl-6">
        <Slider
          label={`Opacity of ${name}`}
          value={opacity}
          onChange={(next) =>
            adjust({ type: "layers", layers: changedLayer(layers, id, { opacity: next }) })
          }
          valueText={`${Math.round(opacity * 100)} percent`}
        />
        <span aria-hidden className="tabular w-10 text-right text-xs whitespace-nowrap text-soft">
          {percent(opacity)}
        </span>
      </div>
    </li>
  );
}

function RowButton({
  name,
  disabled = false,
  onClick,
  children,
}: {
  name: string;
  disabled?: boolean;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <Button
      look="ghost"
      size="icon-tiny"
      aria-label={name}
      title={name}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
    </Button>
  );
}
