import { Heart, Search as SearchIcon, X } from "lucide-react";

import { picturePath } from "@/api/pictures";
import { words } from "@/lib/format";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/controls";
import { Picture } from "@/ui/picture";

import { ANYTHING, isNarrowed, type Search, type Usage } from "./calls";

interface SearchFieldsProps {
  search: Search;
  onChange: (search: Search) => void;
  styles: Usage["styles"];
}

/** Finds generated pictures by words, style, date, reference, and favourites. */
export function SearchFields({ search, onChange, styles }: SearchFieldsProps) {
  const set = (part: Partial<Search>) => onChange({ ...search, ...part });
  return (
    <search
      aria-label="Generated pictures"
      className="grid grid-cols-2 items-end gap-3
        sm:grid-cols-[minmax(10rem,2fr)_repeat(3,minmax(7rem,1fr))_auto]"
    >
      <Field label="Words" htmlFor="history-words" className="max-sm:col-span-2">
        <span className="relative block">
          <SearchIcon
            aria-hidden
            className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2
              text-soft"
          />
          <Input
            id="history-words"
            type="search"
            value={search.words}
            maxLength={300}
            placeholder="Your words"
            className="pl-8"
            onChange={(event) => set({ words: event.target.value })}
          />
        </span>
      </Field>
      <Field label="Style" htmlFor="history-style">
        <Select
          id="history-style"
          value={search.style}
          onChange={(event) => set({ style: event.target.value })}
        >
          <option value="">Any</option>
          {listed(styles, search.style).map((style) => (
            <option key={style} value={style}>
              {words(style)}
            </option>
          ))}
        </Select>
      </Field>
      <Field label="From" htmlFor="history-from">
        <Input
          id="history-from"
          type="date"
          value={search.from}
          max={search.to || undefined}
          onChange={(event) => set({ from: event.target.value })}
        />
      </Field>
      <Field label="Until" htmlFor="history-to">
        <Input
          id="history-to"
          type="date"
          value={search.to}
          min={search.from || undefined}
          onChange={(event) => set({ to: event.target.value })}
        />
      </Field>
      <Button
        look="ghost"
        className="max-sm:justify-self-start"
        aria-pressed={search.favourites}
        onClick={() => set({ favourites: !search.favourites })}
      >
        <Heart className={search.favourites ? "fill-current" : undefined} />
        Favourites
      </Button>
      {isNarrowed(search) && (
        <div className="col-span-full flex flex-wrap items-center gap-2">
          {search.reference !== "" && (
            <ReferenceChip id={search.reference} onRemove={() => set({ reference: "" })} />
          )}
          <Button size="tiny" look="ghost" onClick={() => onChange(ANYTHING)}>
            <X />
            Show all
          </Button>
        </div>
      )}
    </search>
  );
}

/** The style tags of the history, and the chosen one even if it is gone. */
function listed(styles: Usage["styles"], chosen: string): string[] {
  const known = styles.map(({ style }) => style);
  return chosen === "" || known.includes(chosen) ? known : [chosen, ...known];
}

function ReferenceChip({ id, onRemove }: { id: string; onRemove: () => void }) {
  return (
    <span
      className="inline-flex h-8 items-center gap-2 rounded-full border border-blue bg-blue-soft
        pl-1 text-xs font-medium text-blue"
    >
      <Picture
        path={picturePath({ id }, 256)}
        alt=""
        className="size-6 rounded-full bg-well object-cover"
      />
      Made from this picture
      <button
        type="button"
        aria-label="Remove the reference from the search"
        className="px-2"
        onClick={onRemove}
      >
        <X className="size-3.5" />
      </button>
    </span>
  );
}
