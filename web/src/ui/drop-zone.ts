/** A place that results and files are dropped on. */

import { useState, type DragEvent } from "react";

import { draggedPicture, isPictureDrag, pictureFiles, type Dragged } from "./drag";

interface DropZone {
  /** Whether a picture is held over it. */
  over: boolean;
  /** The handlers for its element. */
  handlers: Record<"onDragOver" | "onDragLeave" | "onDrop", (event: DragEvent) => void>;
}

/** Takes a dropped result or the dropped files, of which `chosen` are taken: the pictures. */
export function useDropZone(
  onPicture: (picture: Dragged) => void,
  onFiles: (files: readonly File[]) => void,
  chosen: (transfer: DataTransfer) => File[] = pictureFiles,
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
        event.preventDefault();
        setOver(false);
        const picture = draggedPicture(event);
        if (picture === null) onFiles(chosen(event.dataTransfer));
        else onPicture(picture);
      },
    },
  };
}
