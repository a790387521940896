import { Brush, Eraser, ImagePlus, ImageOff, Redo2, Trash2, Undo2 } from "lucide-react";
import { useRef } from "react";

import { cn } from "@/lib/classes";
import { Button } from "@/ui/button";
import { Segments, Slider } from "@/ui/controls";
import { Popover, Tip } from "@/ui/overlays";

import { LARGEST_BRUSH, SMALLEST_BRUSH, usePad } from "./store";

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

export function Toolbar({ onFile }: { onFile: (file: File) => void }) {
  const file = useRef<HTMLInputElement>(null);
  const pad = usePad();
  const { layer, tool, history } = pad;
  const { base, strokes } = history.present;
  const layerEmpty = !strokes.some((stroke) => stroke.layer === layer);

  return (
    <div role="toolbar" aria-label="Drawing tools" className="flex flex-wrap items-center gap-x-1 gap-y-1 px-2.5 py-2">
      <Segments
        label="Layer"
        value={layer}
        onChange={pad.setLayer}
        choices={[
          { value: "line", label: "Lines" },
          { value: "mask", label: <><span aria-hidden className="size-2 rounded-full bg-[#d8343a]" />Mask</>, title: "What is painted red is made anew when the base is edited" },
        ]}
      />
      <span aria-hidden className="mx-0.5 h-5 w-px bg-line" />
      <Tip text="Brush" keys="B">
        <Button look="ghost" size="icon-small" aria-label="Brush" aria-pressed={tool === "brush"} onClick={() => pad.setTool("brush")}><Brush /></Button>
      </Tip>
      <Tip text="Eraser" keys="E">
        <Button look="ghost" size="icon-small" aria-label="Eraser" aria-pressed={tool === "eraser"} onClick={() => pad.setTool("eraser")}><Eraser /></Button>
      </Tip>
      <div className="flex w-24 items-center gap-2 px-1 max-sm:w-20">
        <Slider label="Brush size" value={pad.size} min={SMALLEST_BRUSH} max={LARGEST_BRUSH} step={1} onChange={pad.setSize} valueText={`${pad.size} points`} />
        <span aria-hidden className="tabular w-5 text-right text-xs text-soft">{pad.size}</span>
      </div>
      {layer === "line" && <Colours />}
      <span aria-hidden className="mx-0.5 h-5 w-px bg-line" />
      <Tip text="Undo" keys="Ctrl Z">
        <Button look="ghost" size="icon-small" aria-label="Undo" disabled={history.past.length === 0} onClick={pad.undo}><Undo2 /></Button>
      </Tip>
      <Tip text="Redo" keys="Ctrl Shift Z">
        <Button look="ghost" size="icon-small" aria-label="Redo" disabled={history.future.length === 0} onClick={pad.redo}><Redo2 /></Button>
      </Tip>
      <Tip text={layer === "line" ? "Clear the lines" : "Clear the mask"}>
        <Button look="ghost" size="icon-small" aria-label={layer === "line" ? "Clear the lines" : "Clear the mask"} disabled={layerEmpty} onClick={() => pad.change({ type: "clear", layer })}><Trash2 /></Button>
      </Tip>
      <div className="ml-auto flex items-center">
        {base !== null && (
          <Tip text={`Take away the base (${base.name})`}>
            <Button look="ghost" size="icon-small" aria-label="Take away the base picture" onClick={() => pad.change({ type: "base", base: null })}><ImageOff /></Button>
          </Tip>
        )}
        <Tip text="Load a picture as a base">
          <Button look="ghost" size="icon-small" aria-label="Load a picture as a base" onClick={() => file.current?.click()}><ImagePlus /></Button>
        </Tip>
        <input
          ref={file}
          type="file"
          accept="image/*"
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
          <span className="size-4 rounded-full border border-black/20 dark:border-white/30" style={{ background: colour }} />
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
            className={cn("size-7 rounded-full border border-black/15", colour === value && "outline-2 outline-offset-2 outline-blue")}
            style={{ background: value }}
          />
        ))}
      </div>
      <label className="mt-3 flex items-center justify-between gap-3 text-[0.8125rem] text-soft">
        Another colour
        <input type="color" value={colour} onChange={(event) => setColour(event.target.value)} className="h-7 w-12 rounded-sm border border-line bg-raised" />
      </label>
    </Popover>
  );
}
