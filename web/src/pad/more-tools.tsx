import { Circle, LassoSelect, PaintBucket, Shapes, Slash, Square } from "lucide-react";
import type { ReactNode } from "react";

import { Button } from "@/ui/button";
import { Popover, PopoverClose } from "@/ui/overlays";

import { usePad, type Tool } from "./store";

const TOOLS: readonly (readonly [Tool, string, string, ReactNode])[] = [
  ["line", "Straight line", "N", <Slash key="line" />],
  ["rectangle", "Rectangle", "R", <Square key="rectangle" />],
  ["ellipse", "Ellipse", "O", <Circle key="ellipse" />],
  ["fill", "Fill an area", "G", <PaintBucket key="fill" />],
  ["lasso", "Select and move", "S", <LassoSelect key="lasso" />],
];

/** Shapes, fill and lasso, behind one button, which shows the one that is in use. */
export function MoreTools() {
  const { tool, setTool } = usePad();
  const used = TOOLS.find(([name]) => name === tool);
  return (
    <Popover
      label="More tools"
      className="w-56 p-1.5"
      trigger={
        <Button
          look="ghost"
          size="icon-small"
          aria-label={used === undefined ? "More tools" : `More tools: ${used[1]}`}
          aria-pressed={used !== undefined}
        >
          {used?.[3] ?? <Shapes />}
        </Button>
      }
    >
      <ul aria-label="Tools">
        {TOOLS.map(([name, title, key, icon]) => (
          <li key={name}>
            <PopoverClose asChild>
              <Button
                look="ghost"
                className="w-full justify-start"
                aria-pressed={tool === name}
                onClick={() => setTool(name)}
              >
                {icon}
                <span className="flex-1 text-left">{title}</span>
                <kbd aria-hidden className="text-xs text-soft">
                  {key}
                </kbd>
              </Button>
            </PopoverClose>
          </li>
        ))}
      </ul>
    </Popover>
  );
}
