/** A place that results and files are dropped on. */

import { useState, type DragEvent } from "react";

import { draggedPicture, isPictureDrag, pictureFiles, type Dragged } from "./drag";
import { hasFolder } from "./dropped-files";

interface DropZone {
  /** Whether a picture is held over it. */
  over: boolean;
  /** The handlers for its element. */
  handlers: Record<"onDragOver" | "onDragLeave" | "onDrop", (event: DragEvent) => void>;
}

/**
 * Takes a dropped result or the dropped pictures. `onTransfer` takes everything instead, folders
 * included; without it, folders are left to the page.
 */
export function useDropZone(
  onPicture: (picture: Dragged) => void,
  onFiles: (files: readonly File[]) => void,
  onTransfer?: (transfer: DataTransfer) => void,
): DropZone {
  const [over, setOver] = useState(false);
  return {
    over,
    handlers: {
      onDragOver: (event) => {
        if (!isPictureDrag(event)) return;
        event.preventDefault();
        setOver(true);
      },
      onDragLeave: () => setOver(false),
      onDrop: (event) => {
        setOver(false);
        const { dataTransfer: transfer } = event;
        if (onTransfer === undefined && hasFolder(transfer)) return;
        event.preventDefault();
        const picture = draggedPicture(event);
        if (picture !== null) onPicture(picture);
        else if (onTransfer !== undefined) onTransfer(transfer);
        else onFiles(pictureFiles(transfer));
      },
    },
  };
}
