import { ChevronLeft, ChevronRight, ImageOff, Plus, X } from "lucide-react";
import { useState } from "react";

import { referenceRole, type Board, type BoardItem, type BoardRole } from "@/api/boards";
import { picturePath } from "@/api/pictures";
import { cn } from "@/lib/classes";
import { percent, words } from "@/lib/format";
import { useReferences } from "@/references/store";
import { Select, Slider } from "@/ui/controls";
import { drag, pictureOfDrag } from "@/ui/drag";
import { useDropZone } from "@/ui/drop-zone";
import { IconButton } from "@/ui/icon-button";
import { Picture } from "@/ui/picture";

import { dropped, titleOf, type Send } from "./items";
import { Note } from "./note";

const ROLES: readonly { value: BoardRole; title: string }[] = [
  { value: "any", title: "Any role" },
  { value: "style", title: "Style" },
  { value: "subject", title: "Subject" },
];

interface ItemCardProps {
  board: Board;
  item: BoardItem;
  index: number;
  send: Send;
  onRemove: (item: BoardItem) => void;
}

/** One picture of a board. A picture that is dropped on it is put before it. */
export function ItemCard({ board, item, index, send, onRemove }: ItemCardProps) {
  const { id, role } = item;
  const title = titleOf(item);
  const { over, handlers } = useDropZone(
    (dragged) => send(dropped(board, dragged, id), [pictureOfDrag(dragged)]),
    () => undefined,
  );
  return (
    <li
      data-picture={id}
      // Otherwise the board takes the picture, too.
      onDragOver={(event) => {
        event.stopPropagation();
        handlers.onDragOver(event);
      }}
      onDragLeave={handlers.onDragLeave}
      onDrop={(event) => {
        event.stopPropagation();
        handlers.onDrop(event);
      }}
      className={cn(
        "group relative flex min-w-0 flex-col gap-1.5 rounded-md",
        over && "before:absolute before:inset-y-0 before:-left-2 before:w-1 before:bg-blue",
      )}
    >
      <Shown item={item} title={title} />
      <Buttons board={board} item={item} index={index} send={send} onRemove={onRemove} />
      <p dir="auto" className="truncate px-0.5 text-left text-xs font-medium" title={title}>
        {title}
      </p>
      <Select
        aria-label={`Role of ${title}`}
        value={role}
        className="h-8 text-xs"
        onChange={({ target }) => {
          const chosen = ROLES.find(({ value }) => value === target.value);
          if (chosen !== undefined) send([{ op: "change", id, role: chosen.value }]);
        }}
      >
        {ROLES.map(({ value, title: name }) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </Select>
      <Weight item={item} title={title} send={send} />
      <Note board={board.id} item={item} title={title} />
    </li>
  );
}

function Shown({ item: { picture }, title }: { item: BoardItem; title: string }) {
  if (picture === null) {
    return (
      <div
        className="flex aspect-square flex-col items-center justify-center gap-2 rounded-md bg-well
          p-3 text-center text-xs text-soft"
      >
        <ImageOff className="size-5" />
        Not in the gallery any more
      </div>
    );
  }
  // Only the picture is draggable: a drag of the slider is not a drag of the card.
  return (
    <Picture
      path={picturePath(picture, 512)}
      alt={title}
      loading="lazy"
      draggable
      onDragStart={(event) => drag(event, picture)}
      className="aspect-square w-full rounded-md bg-well object-cover"
    />
  );
}

/** The weight: it is sent when the slider is released. */
function Weight({ item, title, send }: { item: BoardItem; title: string; send: Send }) {
  const [sliding, setSliding] = useState<number | null>(null);
  const shown = sliding ?? item.weight;
  return (
    <div className="flex items-center gap-2 px-0.5">
      <Slider
        label={`Weight of ${title}`}
        value={shown}
        valueText={percent(shown)}
        onChange={setSliding}
        onCommit={(weight) => {
          setSliding(null);
          send([{ op: "change", id: item.id, weight }]);
        }}
        className="h-5"
      />
      <span className="tabular w-8 text-right text-2xs text-soft">{percent(shown)}</span>
    </div>
  );
}

function Buttons({ board: { items }, item, index, send, onRemove }: ItemCardProps) {
  const { id, picture, role, weight } = item;
  const title = titleOf(item);
  const before = items[index - 1]?.id;
  // After the next one is before the one after it.
  const afterNext = items[index + 2]?.id;
  const refer = () => {
    if (picture === null) return;
    const source = { kind: "gallery", id } as const;
    const { licence } = picture;
    const { add } = useReferences.getState();
    add({ source, title: words(picture.title), licence, role: referenceRole(role), weight });
  };
  return (
    <div
      className="absolute inset-x-1.5 top-1.5 flex gap-1 [&_button]:size-7 [&_button]:bg-raised
        [&_button]:shadow-sm [&_svg]:size-3.5"
    >
      <IconButton
        name={`Move ${title} earlier`}
        tip="Earlier"
        disabled={before === undefined}
        onClick={() => before !== undefined && send([{ op: "move", id, before }])}
      >
        <ChevronLeft />
      </IconButton>
      <IconButton
        name={`Move ${title} later`}
        tip="Later"
        disabled={index + 1 >= items.length}
        onClick={() =>
          send([{ op: "move", id, ...(afterNext === undefined ? {} : { before: afterNext }) }])
        }
      >
        <ChevronRight />
      </IconButton>
      <span className="flex-1" />
      {picture !== null && (
        <IconButton name={`Use ${title} as a reference`} tip="Use as a reference" onClick={refer}>
          <Plus />
        </IconButton>
      )}
      <IconButton
        name={`Take ${title} off the board`}
        tip="Take off the board"
        onClick={() => onRemove(item)}
      >
        <X />
      </IconButton>
    </div>
  );
}
