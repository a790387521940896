import { Copy, Download, Pencil, Search, Trash2, Wand2 } from "lucide-react";
import { useState } from "react";

import { byWeight, referenceRole, type Board } from "@/api/boards";
import { address, useTickets } from "@/api/tickets";
import { addBoard, removeBoard, rename } from "@/api/use-boards";
import { BoardName, LONGEST_NAME } from "@/find/board-name";
import type { Liked } from "@/find/fields";
import { useQueryState } from "@/find/query-state";
import { plural, shortened } from "@/lib/format";
import { MOST_REFERENCES, useReferences } from "@/references/store";
import { useLayout } from "@/state/layout";
import { goTo } from "@/state/place";
import { Button } from "@/ui/button";
import { IconButton } from "@/ui/icon-button";
import { Dialog } from "@/ui/overlays";

import { titleOf } from "./items";
import { ShareButton } from "./share";

interface BoardHeadProps {
  board: Board;
  onFailure: (failure: unknown) => void;
}

/** The name of a board, and what can be done with all of it. */
export function BoardHead({ board, onFailure }: BoardHeadProps) {
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2.5">
      <Name board={board} onFailure={onFailure} />
      <div className="flex flex-wrap gap-1.5 md:ml-auto">
        <Button
          size="small"
          look="solid"
          disabled={board.items.length === 0}
          onClick={() => searchBy(board)}
        >
          <Search />
          Search by it
        </Button>
        <Button size="small" disabled={board.items.length === 0} onClick={() => generate(board)}>
          <Wand2 />
          Generate from it
        </Button>
        <Export board={board} />
        <ShareButton board={board} />
        <CopyButton board={board} onFailure={onFailure} />
        {!board.saved && <DeleteButton board={board} onFailure={onFailure} />}
      </div>
    </div>
  );
}

/** Searches for pictures that are like those of the board, in the style of those for style. */
function searchBy(board: Board): void {
  const titles = new Map(board.items.map((item) => [item.id, titleOf(item)]));
  const named = (ids: readonly string[]): Liked[] =>
    ids.map((id) => ({ id, title: titles.get(id) ?? id }));
  const { like, styleLike } = board.search;
  const { set } = useQueryState.getState();
  set({ text: "", negativeText: "", likes: named(like), styles: named(styleLike) });
  useLayout.getState().show("find");
  goTo("studio");
}

/** Puts the board's pictures among the references, the most important ones first. */
function generate(board: Board): void {
  const { add } = useReferences.getState();
  for (const item of byWeight(board.items).slice(0, MOST_REFERENCES)) {
    const { id, role, weight, picture } = item;
    if (picture === null) continue;
    add({
      source: { kind: "gallery", id },
      title: picture.title,
      licence: picture.licence,
      role: referenceRole(role),
      weight,
    });
  }
  useLayout.getState().show("make");
  goTo("studio");
}

function Name({ board, onFailure }: BoardHeadProps) {
  const [renaming, setRenaming] = useState(false);
  const save = async (name: string) => {
    try {
      await rename(board, name);
      setRenaming(false);
      return true;
    } catch (error) {
      onFailure(error);
      return false;
    }
  };
  if (renaming) {
    return (
      <BoardName
        action="Rename"
        initial={board.name}
        focus
        onName={save}
        onCancel={() => setRenaming(false)}
      />
    );
  }
  return (
    <div className="flex min-w-0 items-center gap-2">
      <h2 dir="auto" className="min-w-0 truncate text-lg font-semibold tracking-tight">
        {board.name}
      </h2>
      {!board.saved && (
        <IconButton name="Rename the board" onClick={() => setRenaming(true)}>
          <Pencil />
        </IconButton>
      )}
      <span role="status" className="tabular text-xs whitespace-nowrap text-soft">
        {plural(board.items.length, "picture")}
      </span>
    </div>
  );
}

function Export({ board }: { board: Board }) {
  const ticket = useTickets((tickets) => tickets.ticket);
  return (
    <Button size="small" asChild>
      <a href={address(`/api/boards/${board.id}/export`, ticket)} download>
        <Download />
        Export
      </a>
    </Button>
  );
}

function CopyButton({ board, onFailure }: BoardHeadProps) {
  const copy = async () => {
    try {
      const { id } = await addBoard(shortened(`Copy of ${board.name}`, LONGEST_NAME), board.id);
      goTo("boards", id);
    } catch (error) {
      onFailure(error);
    }
  };
  return (
    <Button size="small" onClick={() => void copy()}>
      <Copy />
      Duplicate
    </Button>
  );
}

function DeleteButton({ board, onFailure }: BoardHeadProps) {
  const [asked, setAsked] = useState(false);
  const remove = async () => {
    setAsked(false);
    try {
      await removeBoard(board);
      goTo("boards");
    } catch (error) {
      onFailure(error);
    }
  };
  return (
    <>
      <Button size="small" look="danger" onClick={() => setAsked(true)}>
        <Trash2 />
        Delete
      </Button>
      <Dialog
        open={asked}
        onClose={() => setAsked(false)}
        title={`Delete the board “${board.name}”?`}
        description="Its order, roles, weights, notes and links are lost. The pictures stay in the
          gallery."
      >
        <div className="flex justify-end gap-2">
          <Button onClick={() => setAsked(false)}>Keep it</Button>
          <Button look="destructive" onClick={() => void remove()}>
            Delete the board
          </Button>
        </div>
      </Dialog>
    </>
  );
}
