import { Maximize, ZoomIn, ZoomOut } from "lucide-react";

import { IconButton } from "@/ui/icon-button";

import { usePad } from "./store";
import { LARGEST_ZOOM } from "./view";
import { showWhole, zoomBy } from "./zoom-steps";

/** In a corner of the pad, where it covers little of the paper. */
export function ZoomButtons() {
  const zoom = usePad(({ view }) => view.zoom);
  return (
    <div
      role="group"
      aria-label="Zoom"
      className="absolute right-1 bottom-1 z-10 flex flex-col-reverse items-center rounded-md
        border bg-panel max-lg:flex-row"
    >
      <IconButton name="Zoom out" keys="−" disabled={zoom <= 1} onClick={() => zoomBy(-1)}>
        <ZoomOut />
      </IconButton>
      <IconButton
        name="Zoom in"
        keys="+"
        disabled={zoom >= LARGEST_ZOOM}
        onClick={() => zoomBy(1)}
      >
        <ZoomIn />
      </IconButton>
      {zoom > 1 && (
        <>
          <IconButton name="Show the whole paper" keys="0" onClick={showWhole}>
            <Maximize />
          </IconButton>
          <span role="status" className="tabular px-1 py-0.5 text-2xs text-soft">
            {Math.round(zoom * 100)}%
          </span>
        </>
      )}
    </div>
  );
}
