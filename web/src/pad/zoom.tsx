import { ZoomButtons } from "@/ui/zoom-buttons";

import { usePad } from "./store";
import { LARGEST_ZOOM } from "./view";
import { showWhole, zoomBy } from "./zoom-steps";

/** In a corner of the pad, where it covers little of the paper. */
export function PadZoom() {
  const zoom = usePad(({ view }) => view.zoom);
  const isZoomed = zoom > 1;
  return (
    <ZoomButtons
      {...{ zoom, zoomBy, showWhole }}
      largest={LARGEST_ZOOM}
      whole={isZoomed ? "Show the whole paper" : undefined}
      className="right-1 bottom-1 max-lg:flex-row"
    >
      {isZoomed && (
        <span role="status" className="tabular px-1 py-0.5 text-2xs text-soft">
          {Math.round(zoom * 100)}%
        </span>
      )}
    </ZoomButtons>
  );
}
