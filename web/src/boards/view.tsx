import { LayoutGrid } from "lucide-react";

import { isNotFound, needsKey } from "@/api/problem";
import { useBoard, useBoards } from "@/api/use-boards";
import { openKeys } from "@/state/keys-dialog";
import { usePart } from "@/state/place";
import { TrayPanel } from "@/tray/panel";
import { Empty, Failure, Skeleton } from "@/ui/states";

import { BoardPanel } from "./board";
import { BoardList, TASTE } from "./list";
import { TasteView } from "./taste";

/** The boards, one of them, and the references. Pictures are dragged between all of these. */
export default function BoardsView() {
  const { data: boards, error, refetch } = useBoards();
  const part = usePart();
  const chosen = part === "" ? boards?.[0]?.id : part;
  if (boards === undefined && error !== null) {
    const key = needsKey(error) ? { onKey: () => openKeys("key") } : {};
    return <Failure error={error} onRetry={() => void refetch()} {...key} />;
  }
  return (
    <div
      className="grid min-h-0 flex-1 grid-cols-[15rem_minmax(0,1fr)]
        grid-rows-[minmax(0,1fr)_auto] gap-2 p-2 max-md:grid-cols-[minmax(0,1fr)]
        max-md:grid-rows-[auto_minmax(0,1fr)] max-md:gap-0 max-md:p-0"
    >
      <h1 className="sr-only">Boards</h1>
      <BoardList
        boards={boards ?? []}
        chosen={chosen}
        className="rounded-lg border bg-panel max-md:rounded-none max-md:border-0
          max-md:border-b"
      />
      <div
        className="scroll-slim min-h-0 overflow-y-auto rounded-lg border bg-panel
          max-md:rounded-none max-md:border-0"
      >
        {chosen === TASTE ? (
          <TasteView />
        ) : chosen === undefined ? (
          <Loading />
        ) : (
          <OneBoard key={chosen} id={chosen} />
        )}
      </div>
      <TrayPanel
        className="col-span-2 h-[11.5rem] rounded-lg border bg-panel max-lg:hidden"
      />
    </div>
  );
}

function OneBoard({ id }: { id: string }) {
  const { data: board, error, refetch } = useBoard(id);
  if (board !== undefined) return <BoardPanel board={board} />;
  if (isNotFound(error)) {
    return (
      <Empty icon={<LayoutGrid />} title="There is no such board">
        It may have been deleted. Choose another one.
      </Empty>
    );
  }
  if (error !== null) return <Failure error={error} onRetry={() => void refetch()} />;
  return <Loading />;
}

function Loading() {
  return (
    <div aria-label="Loading" role="status" className="p-4">
      <Skeleton className="h-48" />
    </div>
  );
}
