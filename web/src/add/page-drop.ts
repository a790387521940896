import { useEffect } from "react";

import { droppedFiles, type Dropped } from "@/ui/dropped-files";

/**
 * Takes files and folders that are dropped where nothing else takes them. Without this, the browser
 * would leave the page and show the file.
 */
export function usePageDrop(onDropped: (dropped: Dropped) => void): void {
  useEffect(() => {
    const isOurs = (event: DragEvent) =>
      !event.defaultPrevented && event.dataTransfer?.types.includes("Files") === true;
    const over = (event: DragEvent) => {
      if (isOurs(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!isOurs(event) || event.dataTransfer === null) return;
      event.preventDefault();
      void droppedFiles(event.dataTransfer).then(onDropped);
    };
    window.addEventListener("dragover", over);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", over);
      window.removeEventListener("drop", drop);
    };
  }, [onDropped]);
}
