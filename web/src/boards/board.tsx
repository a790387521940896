import { LayoutGrid, Undo2 } from "lucide-react";
import { useState } from "react";

import type { Board, BoardItem } from "@/api/boards";
import { change } from "@/api/use-boards";
import { cn } from "@/lib/classes";
import { FullNotice } from "@/references/full-notice";
import { Button } from "@/ui/button";
import { pictureOfDrag } from "@/ui/drag";
import { useDropZone } from "@/ui/drop-zone";
import { Empty, Notice } from "@/ui/states";

import { BoardHead } from "./head";
import { ItemCard } from "./item";
import { dropped, titleOf, type Send } from "./items";

interface Removed {
  item: BoardItem;
  /** The picture that came after it. */
  before: string | undefined;
}

/** One board: its pictures in their order, with roles, weights and notes. */
export function BoardPanel({ board }: { board: Board }) {
  const [failure, setFailure] = useState<unknown>(null);
  const [removed, setRemoved] = useState<Removed | null>(null);
  const send: Send = (operations, pictures = []) => {
    setFailure(null);
    change(board.id, operations, pictures).catch(setFailure);
  };
  const { over, handlers } = useDropZone(
    (dragged) => send(dropped(board, dragged, null), [pictureOfDrag(dragged)]),
    () => undefined,
  );
  const remove = (item: BoardItem) => {
    const at = board.items.indexOf(item);
    setRemoved({ item, before: board.items[at + 1]?.id });
    send([{ op: "remove", id: item.id }]);
  };
  const putBack = ({ item, before }: Removed) => {
    const { id, role, weight, note, picture } = item;
    const stays = board.items.some((other) => other.id === before);
    const place = stays && before !== undefined ? { before } : {};
    send([{ op: "add", id, role, weight, note, ...place }], picture === null ? [] : [picture]);
    setRemoved(null);
  };
  return (
    <section
      aria-label={board.name}
      className={cn(
        "flex min-h-full flex-col gap-4 p-4",
        over && "outline-2 -outline-offset-4 outline-blue outline-dashed",
      )}
      {...handlers}
    >
      <BoardHead board={board} onFailure={setFailure} />
      {failure !== null && <Notice error={failure} />}
      <FullNotice className="lg:hidden" />
      {removed !== null && (
        <p role="status" className="flex items-center gap-3 rounded-md bg-well px-3 py-2">
          <span className="min-w-0 flex-1 truncate">{titleOf(removed.item)} was taken off.</span>
          {removed.item.picture !== null && (
            <Button size="tiny" onClick={() => putBack(removed)}>
              <Undo2 />
              Undo
            </Button>
          )}
        </p>
      )}
      {board.items.length === 0 ? (
        <Empty icon={<LayoutGrid />} title="No pictures yet">
          {board.saved
            ? "Press the heart of a result to put it here."
            : "Drag results here, or choose “Add to a board” in their details."}
        </Empty>
      ) : (
        <ol
          aria-label="Pictures of the board"
          className="grid grid-cols-[repeat(auto-fill,minmax(min(11.5rem,44%),1fr))] gap-4
            max-sm:gap-2.5"
        >
          {board.items.map((item, index) => (
            <ItemCard
              key={item.id}
              board={board}
              item={item}
              index={index}
              send={send}
              onRemove={remove}
            />
          ))}
        </ol>
      )}
    </section>
  );
}
