import { useId, useState, type KeyboardEvent } from "react";

import type { FacetValue } from "@/api/client";
import { useTags } from "@/api/queries";
import { cn } from "@/lib/classes";
import { count, words } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";

import { completions, typedTags } from "./completion";

const MOST_TAGS = 50;
/** A list above its field, also on touch screens. */
const ABOVE =
  "top-auto bottom-full mt-0 mb-1 max-h-44 [@media(hover:none)]:absolute [@media(hover:none)]:w-60";

interface TagInputProps {
  id?: string;
  /** The accessible name. */
  label: string;
  placeholder: string;
  /** Tags that are not offered. */
  taken: readonly string[];
  /** Tags to offer before anything is typed, instead of the most frequent ones. */
  common?: readonly FacetValue[];
  /** Whether a minus in front excludes the tag. */
  minus?: boolean;
  /** Whether its list is above it, so that it covers no button below. */
  listAbove?: boolean;
  /** Whether what is typed becomes a tag when the focus leaves. */
  takesTyped?: boolean;
  onAdd: (tags: string[], excluded: boolean) => void;
  /** The Backspace key in an empty field. */
  onBackspace?: () => void;
  className?: string;
}

/** A field that completes tags. Its list of tags is placed in the next positioned element. */
export function TagInput({
  id,
  label,
  placeholder,
  taken,
  common = [],
  minus = false,
  listAbove = false,
  takesTyped = false,
  onAdd,
  onBackspace,
  className,
}: TagInputProps) {
  const list = useId();
  const [typed, setTyped] = useState("");
  const [open, setOpen] = useState(false);
  /** The tag that the arrow keys chose. It stays the same when more tags arrive. */
  const [chosen, setChosen] = useState<string | null>(null);
  const excluded = minus && typed.startsWith("-");
  const wanted = excluded ? typed.slice(1) : typed;
  const prefix = useDebounced(wanted.trim(), 150);
  const { data: tags = [], isPending, isPlaceholderData } = useTags(prefix, MOST_TAGS, open);
  // Until the answer is there, the list must not be empty: an arrow key would choose nothing.
  const waits = isPending || isPlaceholderData;
  const known = (prefix === "" || waits) && common.length > 0 ? common : tags;
  const options = completions(known, wanted, taken);
  const shown = open && options.length > 0;
  const active = options.findIndex(({ value }) => value === chosen);

  const clear = () => {
    setTyped("");
    setChosen(null);
  };
  const choose = (tag: string) => {
    onAdd([tag], excluded);
    clear();
  };
  const takeTyped = () => {
    const added = typedTags(wanted, known);
    if (added.length > 0) onAdd(added, excluded);
    clear();
  };
  const move = (step: number) => {
    setOpen(true);
    if (options.length === 0) return;
    const from = active < 0 && step < 0 ? 0 : active;
    setChosen(options.at((from + step) % options.length)?.value ?? null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // The dialog that the field is in stays open.
    if (event.key === "Escape" && shown) event.stopPropagation();
    if (event.key === "Escape") setOpen(false);
    if (event.key === "Backspace" && typed === "") onBackspace?.();
    if (!["ArrowDown", "ArrowUp", "Enter", ","].includes(event.key)) return;
    // Without words, Enter sends the form.
    if (event.key === "Enter" && active < 0 && wanted.trim() === "") return;
    event.preventDefault();
    if (event.key.startsWith("Arrow")) return move(event.key === "ArrowDown" ? 1 : -1);
    const option = options[active];
    if (option === undefined) takeTyped();
    else choose(option.value);
  };

  return (
    <>
      <input
        {...(id === undefined ? {} : { id })}
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        {...(active >= 0 && shown ? { "aria-activedescendant": `${list}-${active}` } : {})}
        autoComplete="off"
        autoCapitalize="none"
        enterKeyHint="done"
        spellCheck={false}
        placeholder={placeholder}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setOpen(true);
          setChosen(null);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => {
          setOpen(false);
          if (takesTyped) takeTyped();
        }}
        onKeyDown={onKeyDown}
        className={className}
      />
      <TagList
        id={list}
        options={options}
        active={active}
        shown={shown}
        excluded={excluded}
        onChoose={choose}
        className={cn(!minus && "max-w-full", listAbove && ABOVE)}
      />
    </>
  );
}

interface TagListProps {
  id: string;
  options: readonly FacetValue[];
  /** The option that the arrow keys chose; -1 for none. */
  active: number;
  shown: boolean;
  excluded: boolean;
  onChoose: (tag: string) => void;
  className: string;
}

function TagList({ id, options, active, shown, excluded, onChoose, className }: TagListProps) {
  return (
    <ul
      id={id}
      role="listbox"
      aria-label="Tags"
      className={cn(
        "scroll-slim absolute top-full left-0 z-30 mt-1 max-h-72 w-60 overflow-y-auto rounded-lg",
        "border border-line bg-raised p-1 shadow-lg shadow-black/10",
        !shown && "hidden",
        className,
      )}
    >
      {options.map((option, index) => (
        <li
          key={option.value}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === active}
          onMouseDown={(event) => {
            event.preventDefault();
            onChoose(option.value);
          }}
          className={cn(
            "flex cursor-pointer items-baseline justify-between gap-3 rounded-sm px-2 py-1",
            "text-[0.8125rem] hover:bg-well [@media(hover:none)]:py-2",
            index === active && "bg-well",
          )}
        >
          <span className="min-w-0 truncate">
            {excluded ? "not " : ""}
            {words(option.value)}
          </span>
          <span className="tabular text-xs text-soft">{count(option.count)}</span>
        </li>
      ))}
    </ul>
  );
}
