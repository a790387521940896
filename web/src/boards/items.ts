/** What the views of one board share. */

import type { Board, BoardItem, Operation } from "@/api/boards";
import type { Picture } from "@/api/pictures";
import { words } from "@/lib/format";
import type { Dragged } from "@/ui/drag";

/** Changes the board. `pictures` are those that may be new on it. */
export type Send = (operations: readonly Operation[], pictures?: readonly Picture[]) => void;

export function titleOf({ id, picture }: BoardItem): string {
  return picture === null ? `picture ${id}` : words(picture.title);
}

/** What a drop on a board does: a picture of the board is moved, another one is added. */
export function dropped(
  { items }: Pick<Board, "items">,
  { id }: Pick<Dragged, "id">,
  before: string | null,
): Operation[] {
  const op = items.some((item) => item.id === id) ? "move" : "add";
  return [{ op, id, ...(before === null ? {} : { before }) }];
}
