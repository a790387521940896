import { Tag } from "lucide-react";
import { useId, useState, type KeyboardEvent } from "react";

import type { FacetValue } from "@/api/client";
import { useTags } from "@/api/queries";
import { cn } from "@/lib/classes";
import { count, words } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";

import { completions, tagOf } from "./completion";

const MOST_TAGS = 50;

interface TagFieldProps {
  /** Tags that are filters already. */
  taken: readonly string[];
  /** Tags to offer before anything is typed. */
  common: readonly FacetValue[];
  onAdd: (tag: string, excluded: boolean) => void;
}

/** A field that completes tags. A minus in front excludes the tag. */
export function TagField({ taken, common, onAdd }: TagFieldProps) {
  const list = useId();
  const [typed, setTyped] = useState("");
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const excluded = typed.startsWith("-");
  const wanted = typed.replace(/^-/, "");
  const prefix = useDebounced(wanted.trim(), 150);
  const { data: tags = [] } = useTags(prefix, MOST_TAGS, open);
  const known = prefix === "" && common.length > 0 ? common : tags;
  const options = completions(known, wanted, taken);
  const shown = open && options.length > 0;

  const choose = (tag: string) => {
    onAdd(tag, excluded);
    setTyped("");
    setActive(-1);
  };
  const move = (step: number) => {
    setOpen(true);
    if (options.length > 0) setActive((active + step + options.length) % options.length);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") setOpen(false);
    if (!["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return;
    event.preventDefault();
    if (event.key !== "Enter") return move(event.key === "ArrowDown" ? 1 : -1);
    const tag = options[active]?.value ?? tagOf(wanted);
    if (tag !== "") choose(tag);
  };

  return (
    <div className="relative min-w-0">
      <Tag
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2 size-3.5 -translate-y-1/2 text-soft"
      />
      <input
        type="text"
        role="combobox"
        aria-label="Filter by tag"
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        {...(active >= 0 && shown ? { "aria-activedescendant": `${list}-${active}` } : {})}
        autoComplete="off"
        spellCheck={false}
        placeholder="Tag, or -tag"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setOpen(true);
          setActive(-1);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
        className="h-7 w-40 rounded-md border border-line bg-raised pr-2 pl-7 text-xs
          placeholder:text-soft focus-visible:border-blue focus-visible:outline-1
          focus-visible:outline-offset-0"
      />
      <ul
        id={list}
        role="listbox"
        aria-label="Tags"
        className={cn(
          "scroll-slim absolute top-full left-0 z-30 mt-1 max-h-72 w-60 overflow-y-auto rounded-lg",
          "border border-line bg-raised p-1 shadow-lg shadow-black/10",
          !shown && "hidden",
        )}
      >
        {options.map((option, index) => (
          <li
            key={option.value}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === active}
            onMouseDown={(event) => {
              event.preventDefault();
              choose(option.value);
            }}
            className={cn(
              "flex cursor-pointer items-baseline justify-between gap-3 rounded-sm px-2 py-1",
              "text-[0.8125rem] hover:bg-well",
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
    </div>
  );
}
