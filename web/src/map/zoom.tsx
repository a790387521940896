import { ZoomButtons } from "@/ui/zoom-buttons";

import { LARGEST_ZOOM } from "./frame";
import { showWhole, useMap, zoomBy } from "./store";

/** In a corner of the map. The whole of it can always be shown: it may have been moved. */
export function MapZoom() {
  const zoom = useMap(({ view }) => view.zoom);
  return (
    <ZoomButtons
      {...{ zoom, zoomBy, showWhole }}
      largest={LARGEST_ZOOM}
      whole="Show the whole map"
      className="right-2 bottom-2"
    />
  );
}
