import { Heart, LayoutGrid } from "lucide-react";
import { useEffect, useState } from "react";

import { useBoards } from "@/api/use-boards";
import { isGalleryDrag } from "@/ui/drag";

import { BoardPlace } from "./board-place";

/** How many boards are offered: as many as fit. */
const MOST_SHOWN = 8;

/** Whether a picture of the gallery is dragged. */
function useDragging(): boolean {
  const [dragging, setDragging] = useState(false);
  useEffect(() => {
    const begin = (event: DragEvent) => setDragging(isGalleryDrag(event.dataTransfer));
    const end = () => setDragging(false);
    window.addEventListener("dragstart", begin);
    window.addEventListener("dragend", end);
    window.addEventListener("drop", end);
    return () => {
      window.removeEventListener("dragstart", begin);
      window.removeEventListener("dragend", end);
      window.removeEventListener("drop", end);
    };
  }, []);
  return dragging;
}

/** The boards, as places to drop a picture on, while one is dragged. */
export function BoardStrip({ onFailure }: { onFailure: (failure: unknown) => void }) {
  const dragging = useDragging();
  const { data: boards = [] } = useBoards();
  if (!dragging || boards.length === 0) return null;
  return (
    <ul
      aria-label="Drop on a board"
      className="absolute inset-x-0 bottom-0 z-20 flex flex-wrap gap-2 border-t bg-panel/95 p-3
        shadow-lg shadow-black/20"
    >
      {boards.slice(0, MOST_SHOWN).map((board) => (
        <BoardPlace
          key={board.id}
          board={board}
          onFailure={onFailure}
          className="flex h-11 max-w-48 items-center gap-2 rounded-md border border-dashed
            border-edge px-3 text-[0.8125rem] font-medium"
          overClassName="border-blue bg-blue-soft text-blue"
        >
          {board.saved ? (
            <Heart className="size-4 shrink-0" />
          ) : (
            <LayoutGrid className="size-4 shrink-0" />
          )}
          <span className="truncate">{board.name}</span>
        </BoardPlace>
      ))}
    </ul>
  );
}
