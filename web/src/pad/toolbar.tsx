import { Brush, Eraser, ImagePlus, ImageOff, Redo2, Trash2, Undo2 } from "lucide-react";
import { useRef } from "react";

import { cn } from "@/lib/classes";
import { Button } from "@/ui/button";
import { Segments, Slider } from "@/ui/controls";
import { IconButton } from "@/ui/icon-button";
import { Popover } from "@/ui/overlays";

import { LayersButton } from "./layer-list";
import { MASK } from "./layers";
import { MoreTools } from "./more-tools";
import { currentLayer, LARGEST_BRUSH, SMALLEST_BRUSH, usePad } from "./store";

const COLOURS = [
  ["#1c1c1c", "Ink"],
  ["#7a7a7a", "Grey"],
  ["#c8322f", "Red"],
  ["#e58a1f", "Orange"],
  ["#e8c21a", "Yellow"],
  ["#3f8f4a", "Green"],
  ["#2d6fb5", "Blue"],
  ["#7b4a9c", "Violet"],
  ["#8a5a3b", "Brown"],
  ["#f1a9b8", "Pink"],
] as const;

/** The tools of the pad. */
export function Toolbar({ onFile }: { onFile: (file: File) => void }) {
  const masks = usePad((pad) => currentLayer(pad) === MASK);
  return (
    <div
      role="toolbar"
      aria-label="Drawing tools"
      className="flex flex-wrap items-center gap-x-1 gap-y-1 px-2.5 py-2 landscape-phone:flex-nowrap
        landscape-phone:overflow-x-auto landscape-phone:py-1 landscape-phone:*:shrink-0
        landscape-phone:[scrollbar-width:none]"
    >
      <Layers />
      <LayersButton />
      <Divider />
      <Tools />
      {!masks && <Colours />}
      <Divider />
      <Steps />
      <BaseButtons onFile={onFile} />
    </div>
  );
}

function Divider() {
  return <span aria-hidden className="mx-0.5 h-5 w-px bg-line" />;
}

function Layers() {
  const { setLayer, toLines } = usePad();
  const layer = usePad((pad) => (currentLayer(pad) === MASK ? MASK : "line"));
  const mask = (
    <>
      <span
        aria-hidden
        className="size-2.5 rounded-full border border-[#d8343a]
          bg-[repeating-linear-gradient(135deg,#d8343a_0_2px,#fff_2px_4px)]"
      />
      Mask
    </>
  );
  const title = "The masked area of the base is generated again";
  return (
    <Segments
      label="Layer"
      value={layer}
      onChange={(part) => (part === MASK ? setLayer(MASK) : toLines())}
      choices={[
        { value: "line", label: "Lines" },
        { value: MASK, label: mask, title },
      ]}
    />
  );
}

function Tools() {
  const { tool, size, setTool, setSize } = usePad();
  return (
    <>
      <IconButton
        name="Brush"
        keys="B"
        aria-pressed={tool === "brush"}
        onClick={() => setTool("brush")}
      >
        <Brush />
      </IconButton>
      <IconButton
        name="Eraser"
        keys="E"
        aria-pressed={tool === "eraser"}
        onClick={() => setTool("eraser")}
      >
        <Eraser />
      </IconButton>
      <MoreTools />
      <div className="flex w-24 items-center gap-2 px-1 max-sm:w-20">
        <Slider
          label="Brush size"
          value={size}
          min={SMALLEST_BRUSH}
          max={LARGEST_BRUSH}
          step={1}
          onChange={setSize}
          valueText={`${size} points`}
        />
        <span aria-hidden className="tabular w-5 text-right text-xs text-soft">
          {size}
        </span>
      </div>
    </>
  );
}

/** Undo, redo, and clearing the current layer. */
function Steps() {
  const { history, undo, redo, change } = usePad();
  const layer = usePad(currentLayer);
  const { past, present, future } = history;
  const empty = !present.strokes.some((stroke) => stroke.layer === layer);
  return (
    <>
      <IconButton name="Undo" keys="Ctrl Z" disabled={past.length === 0} onClick={undo}>
        <Undo2 />
      </IconButton>
      <IconButton name="Redo" keys="Ctrl Shift Z" disabled={future.length === 0} onClick={redo}>
        <Redo2 />
      </IconButton>
      <IconButton
        name={layer === MASK ? "Clear the mask" : "Clear the lines"}
        disabled={empty}
        onClick={() => change({ type: "clear", layer })}
      >
        <Trash2 />
      </IconButton>
    </>
  );
}

function BaseButtons({ onFile }: { onFile: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const base = usePad(({ history }) => history.present.base);
  const change = usePad((pad) => pad.change);
  return (
    <div className="ml-auto flex items-center">
      {base !== null && (
        <IconButton
          name="Remove the base picture"
          tip={`Remove the base (${base.name})`}
          onClick={() => change({ type: "base", base: null })}
        >
          <ImageOff />
        </IconButton>
      )}
      <IconButton name="Load a picture as the base" onClick={() => input.current?.click()}>
        <ImagePlus />
      </IconButton>
      <input
        ref={input}
        type="file"
        accept="image/*,.svg,.psd"
        className="hidden"
        aria-label="Base picture"
        tabIndex={-1}
        onChange={(event) => {
          const [chosen] = event.target.files ?? [];
          if (chosen !== undefined) onFile(chosen);
          event.target.value = "";
        }}
      />
    </div>
  );
}

function Colours() {
  const { colour, setColour } = usePad();
  return (
    <Popover
      label="Colour"
      className="w-auto p-3"
      trigger={
        <Button look="ghost" size="icon-small" aria-label="Colour">
          <span
            className="size-4 rounded-full border border-black/20 dark:border-white/30"
            style={{ background: colour }}
          />
        </Button>
      }
    >
      <div className="grid grid-cols-5 gap-1.5">
        {COLOURS.map(([value, name]) => (
          <button
            key={value}
            type="button"
            aria-label={name}
            aria-pressed={colour === value}
            onClick={() => setColour(value)}
            className={cn(
              "size-7 rounded-full border border-black/15",
              colour === value && "outline-2 outline-offset-2 outline-blue",
            )}
            style={{ background: value }}
          />
        ))}
      </div>
      <label className="mt-3 flex items-center justify-between gap-3 text-[0.8125rem] text-soft">
        Custom colour
        <input
          type="color"
          value={colour}
          onChange={(event) => setColour(event.target.value)}
          className="h-7 w-12 rounded-sm border border-line bg-raised"
        />
      </label>
    </Popover>
  );
}
