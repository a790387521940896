import { useMutation } from "@tanstack/react-query";
import { LayoutGrid, Pencil, Shapes } from "lucide-react";
import { useState } from "react";

import { api, body, type Schemas } from "@/api/client";
import { pictureOf, picturePath, type Picture as PictureData } from "@/api/pictures";
import { queryClient } from "@/api/query-client";
import { plural, words } from "@/lib/format";
import { Button } from "@/ui/button";
import { Input } from "@/ui/controls";
import { drag } from "@/ui/drag";
import { IconButton } from "@/ui/icon-button";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { toggleGroup, toggleLike, useQueryState } from "./query-state";
import { useIsOwner } from "./use-is-owner";

type Style = Schemas["StyleResponse"];

/** How many typical pictures stand for a style in the style slot. */
const EXAMPLES = 4;

/** How many of the newest pictures are on their shelf. */
const MOST_NEW = 24;

interface NewestProps {
  pictures: readonly PictureData[];
  onAll: () => void;
}

/** The pictures that were added last. */
export function Newest({ pictures, onAll }: NewestProps) {
  return (
    <section aria-label="Newest">
      <div className="mb-1.5 flex min-h-8 items-center gap-2">
        <h3 className="text-base font-semibold tracking-tight">Newest</h3>
        <Button look="ghost" size="tiny" className="ml-auto" onClick={onAll}>
          <LayoutGrid />
          All pictures
        </Button>
      </div>
      <ul className="scroll-slim -m-1 flex gap-2 overflow-x-auto p-1">
        {pictures.slice(0, MOST_NEW).map((picture) => (
          <Cover key={picture.id} picture={picture} />
        ))}
      </ul>
    </section>
  );
}

/** A shelf for each style of the gallery. */
export function Shelves({ styles }: { styles: readonly Style[] }) {
  return (
    <section aria-label="Shelves" className="flex flex-col gap-5">
      {styles.map((style) => (
        <Shelf key={style.id} style={style} />
      ))}
    </section>
  );
}

function Shelf({ style }: { style: Style }) {
  const { styleGroups, set } = useQueryState();
  const [renaming, setRenaming] = useState(false);
  const isOwner = useIsOwner();
  const covers = style.covers.map(({ id, image_url }) => pictureOf(id, { image_url }));
  const examples = covers.slice(0, EXAMPLES).map(({ id }) => ({ id, title: style.name }));
  return (
    <section aria-label={style.name}>
      <div className="mb-1.5 flex min-h-8 items-center gap-2">
        {renaming ? (
          <NameField style={style} onDone={() => setRenaming(false)} />
        ) : (
          <>
            <h3 className="min-w-0">
              <button
                type="button"
                title={titleOf(style)}
                className="max-w-full truncate text-base font-semibold tracking-tight
                  hover:text-blue"
                onClick={() => set({ styleGroups: toggleGroup(styleGroups, style) })}
              >
                {style.name}
              </button>
            </h3>
            <span className="tabular text-xs whitespace-nowrap text-soft">
              {plural(style.count, "picture")}
            </span>
            {isOwner && (
              <IconButton name={`Rename the style ${style.name}`} onClick={() => setRenaming(true)}>
                <Pencil className="size-3.5" />
              </IconButton>
            )}
            <Button
              look="ghost"
              size="tiny"
              className="ml-auto"
              aria-label={`More like the style ${style.name}`}
              onClick={() => set({ styles: examples })}
            >
              <Shapes />
              <span className="max-sm:hidden">More like this style</span>
            </Button>
          </>
        )}
      </div>
      <ul className="scroll-slim -m-1 flex gap-2 overflow-x-auto p-1">
        {covers.map((cover) => (
          <Cover key={cover.id} picture={{ ...cover, title: style.name }} />
        ))}
      </ul>
    </section>
  );
}

function titleOf({ name, tags }: Style): string {
  const filter = `Show only pictures in the style ${name}`;
  return tags.length > 0 ? `${filter} (${tags.join(", ")})` : filter;
}

function Cover({ picture }: { picture: PictureData }) {
  const { likes, set } = useQueryState();
  return (
    <li className="shrink-0">
      <button
        type="button"
        aria-label={`Find pictures like this one, ${words(picture.title)}`}
        draggable
        onDragStart={(event) => drag(event, picture)}
        onClick={() => set({ likes: toggleLike(likes, picture) })}
        className="block size-28 overflow-hidden rounded-md bg-well max-sm:size-24"
      >
        <Picture
          path={picturePath(picture, 256)}
          alt=""
          loading="lazy"
          draggable={false}
          className="size-full object-cover transition-transform duration-200 hover:scale-[1.02]"
        />
      </button>
    </li>
  );
}

/** Renames a style. The name stays when styles are found again. */
function NameField({ style, onDone }: { style: Style; onDone: () => void }) {
  const [name, setName] = useState(style.name);
  const renaming = useMutation({
    mutationFn: async () => {
      const params = { path: { id: style.id } };
      return body(await api.PATCH("/api/styles/{id}", { params, body: { name } })).styles;
    },
    onSuccess: (styles) => {
      queryClient.setQueryData(["styles"], styles);
      onDone();
    },
  });
  return (
    <form
      className="flex w-full flex-wrap items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        renaming.mutate();
      }}
    >
      <Input
        aria-label="Name of the style"
        maxLength={80}
        // eslint-disable-next-line jsx-a11y/no-autofocus -- the user has just asked for this field
        autoFocus
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onDone();
        }}
        className="h-8 max-w-64"
      />
      <Button size="small" type="submit" disabled={renaming.isPending || name.trim() === ""}>
        Rename
      </Button>
      <Button size="small" look="ghost" onClick={onDone}>
        Cancel
      </Button>
      {renaming.error !== null && <Notice error={renaming.error} className="w-full" />}
    </form>
  );
}
