import { Maximize, ZoomIn, ZoomOut } from "lucide-react";
import type { ReactNode } from "react";

import { cn } from "@/lib/classes";

import { IconButton } from "./icon-button";

interface ZoomButtonsProps {
  /** 1 shows everything. */
  zoom: number;
  largest: number;
  zoomBy: (direction: 1 | -1) => void;
  /** The name of the button that shows everything; undefined for no button. */
  whole: string | undefined;
  showWhole: () => void;
  /** What else is shown of the zoom. */
  children?: ReactNode;
  className?: string;
}

/** Buttons that zoom, in a corner of what they zoom. */
export function ZoomButtons({
  zoom,
  largest,
  zoomBy,
  whole,
  showWhole,
  children,
  className,
}: ZoomButtonsProps) {
  return (
    <div
      role="group"
      aria-label="Zoom"
      className={cn(
        "absolute z-10 flex flex-col-reverse items-center rounded-md border bg-panel",
        className,
      )}
    >
      <IconButton name="Zoom out" keys="−" disabled={zoom <= 1} onClick={() => zoomBy(-1)}>
        <ZoomOut />
      </IconButton>
      <IconButton name="Zoom in" keys="+" disabled={zoom >= largest} onClick={() => zoomBy(1)}>
        <ZoomIn />
      </IconButton>
      {whole !== undefined && (
        <IconButton name={whole} keys="0" onClick={showWhole}>
          <Maximize />
        </IconButton>
      )}
      {children}
    </div>
  );
}
