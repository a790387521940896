import { Heart, LayoutGrid, Link2, Sparkles } from "lucide-react";
import { useState, type ReactNode } from "react";

import type { BoardSummary } from "@/api/boards";
import { picturePath } from "@/api/pictures";
import { addBoard } from "@/api/use-boards";
import { BoardName } from "@/find/board-name";
import { BoardPlace } from "@/find/board-place";
import { cn } from "@/lib/classes";
import { plural } from "@/lib/format";
import { goTo } from "@/state/place";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

/** The part of the address that shows the artist's taste. */
export const TASTE = "taste";

interface BoardListProps {
  boards: readonly BoardSummary[];
  chosen: string | undefined;
  className?: string;
}

/** All boards. A picture that is dropped on one is put on it. */
export function BoardList({ boards, chosen, className }: BoardListProps) {
  const [failure, setFailure] = useState<unknown>(null);
  const create = async (name: string) => {
    setFailure(null);
    try {
      const { id } = await addBoard(name);
      goTo("boards", id);
      return true;
    } catch (error) {
      setFailure(error);
      return false;
    }
  };
  return (
    <nav
      aria-label="Boards"
      className={cn("scroll-slim flex min-h-0 flex-col gap-2 overflow-y-auto p-2", className)}
    >
      <ul className="flex flex-col gap-0.5 max-md:flex-row max-md:overflow-x-auto">
        {boards.map((board) => (
          <Entry
            key={board.id}
            board={board}
            current={board.id === chosen || (board.saved && chosen === "saved")}
            onFailure={setFailure}
          />
        ))}
        <li className="max-md:shrink-0">
          <Link part={TASTE} current={chosen === TASTE}>
            <span className="flex size-9 items-center justify-center rounded-sm bg-well">
              <Sparkles className="size-4" />
            </span>
            Your taste
          </Link>
        </li>
      </ul>
      <BoardName action="Create" onName={create} />
      {failure !== null && <Notice error={failure} />}
    </nav>
  );
}

interface EntryProps {
  board: BoardSummary;
  current: boolean;
  onFailure: (failure: unknown) => void;
}

function Entry({ board, current, onFailure }: EntryProps) {
  const { id, name, count, shared } = board;
  return (
    <BoardPlace
      board={board}
      onFailure={onFailure}
      className="rounded-md max-md:w-44 max-md:shrink-0"
      overClassName="outline-2 outline-blue outline-dashed"
    >
      <Link part={id} current={current}>
        <Cover board={board} />
        <span className="min-w-0 flex-1">
          <span dir="auto" className="block truncate text-left">
            {name}
          </span>
          <span className="tabular flex items-center gap-1 text-xs font-normal text-soft">
            {plural(count, "picture")}
            {shared && <Link2 aria-label="shared by a link" className="size-3" />}
          </span>
        </span>
      </Link>
    </BoardPlace>
  );
}

interface LinkProps {
  part: string;
  current: boolean;
  children: ReactNode;
}

function Link({ part, current, children }: LinkProps) {
  return (
    <a
      href={`#/boards/${part}`}
      draggable={false}
      aria-current={current ? "page" : undefined}
      className={cn(
        "flex items-center gap-2.5 rounded-md p-1.5 text-[0.8125rem] font-medium hover:bg-well",
        current && "bg-well",
      )}
    >
      {children}
    </a>
  );
}

function Cover({ board: { saved, covers } }: { board: BoardSummary }) {
  const cover = covers.find(({ image_url }) => image_url != null);
  if (cover === undefined) {
    const Icon = saved ? Heart : LayoutGrid;
    return (
      <span className="flex size-9 shrink-0 items-center justify-center rounded-sm bg-well">
        <Icon className="size-4" />
      </span>
    );
  }
  const shown = { id: cover.picture, address: cover.image_url ?? null };
  return (
    <Picture
      path={picturePath(shown, 64)}
      alt=""
      draggable={false}
      className="size-9 shrink-0 rounded-sm bg-well object-cover"
    />
  );
}
