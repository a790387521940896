import { Check, LayoutGrid } from "lucide-react";
import { useState } from "react";

import type { Picture } from "@/api/pictures";
import { addBoard, change, useBoards } from "@/api/use-boards";
import { plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { Popover } from "@/ui/overlays";

import { BoardName } from "./board-name";

interface AddToBoardProps {
  picture: Picture;
  onFailure: (failure: unknown) => void;
}

/** Puts a picture on a board, or on a new one. */
export function AddToBoard({ picture, onFailure }: AddToBoardProps) {
  const [added, setAdded] = useState<readonly string[]>([]);
  const add = async (board: string) => {
    onFailure(null);
    try {
      await change(board, [{ op: "add", id: picture.id }], [picture]);
      setAdded((before) => [...before, board]);
    } catch (error) {
      onFailure(error);
    }
  };
  const create = async (name: string) => {
    try {
      await add((await addBoard(name)).id);
      return true;
    } catch (error) {
      onFailure(error);
      return false;
    }
  };
  return (
    <Popover
      label="Add to a board"
      trigger={
        <Button size="small">
          <LayoutGrid />
          Add to a board
        </Button>
      }
    >
      <Choices added={added} onChoose={add} />
      <BoardName action="Add" onName={create} />
    </Popover>
  );
}

interface ChoicesProps {
  added: readonly string[];
  onChoose: (board: string) => Promise<void>;
}

function Choices({ added, onChoose }: ChoicesProps) {
  const { data: boards = [] } = useBoards();
  return (
    <ul className="scroll-slim mb-3 flex max-h-56 flex-col gap-0.5 overflow-y-auto">
      {boards
        .filter(({ saved }) => !saved)
        .map(({ id, name, count }) => (
          <li key={id}>
            <button
              type="button"
              className="flex w-full items-center gap-2 rounded-md px-2 py-1.5 text-left
                hover:bg-well"
              onClick={() => void onChoose(id)}
            >
              <span dir="auto" className="min-w-0 flex-1 truncate text-left">
                {name}
              </span>
              {added.includes(id) ? (
                <span role="status" className="flex items-center gap-1 text-xs text-green">
                  <Check className="size-3.5" />
                  Added
                </span>
              ) : (
                <span className="tabular text-xs text-soft">{plural(count, "picture")}</span>
              )}
            </button>
          </li>
        ))}
    </ul>
  );
}
