import type { ReactNode } from "react";

import type { BoardSummary } from "@/api/boards";
import { change } from "@/api/use-boards";
import { cn } from "@/lib/classes";
import { pictureOfDrag } from "@/ui/drag";
import { useDropZone } from "@/ui/drop-zone";

interface BoardPlaceProps {
  board: BoardSummary;
  /** Receives why a picture could not be put on the board, or null. */
  onFailure: (failure: unknown) => void;
  className: string;
  /** The classes while a picture is dragged over it. */
  overClassName: string;
  children: ReactNode;
}

/** A board in a list of boards. A picture that is dropped on it is put on it, on *Saved* first. */
export function BoardPlace({
  board: { id, saved },
  onFailure,
  className,
  overClassName,
  children,
}: BoardPlaceProps) {
  const { over, handlers } = useDropZone(
    (dragged) => {
      const operation = { op: "add" as const, id: dragged.id, first: saved };
      change(id, [operation], [pictureOfDrag(dragged)]).then(() => onFailure(null), onFailure);
    },
    () => undefined,
  );
  return (
    <li className={cn(className, over && overClassName)} {...handlers}>
      {children}
    </li>
  );
}
