import { X } from "lucide-react";

import { words } from "@/lib/format";

import { TagInput } from "./tag-input";

interface TagEditorProps {
  id: string;
  /** The accessible name of the field that adds tags. */
  label: string;
  /** What an empty field shows. */
  placeholder: string;
  tags: readonly string[];
  /** At most so many tags: a further one replaces the last. */
  most?: number;
  /** Whether known tags are listed above the field, so that they cover no button below. */
  listAbove?: boolean;
  onChange: (tags: string[]) => void;
}

/** Tags as chips that can be removed, with a field that adds more and completes known tags. */
export function TagEditor({
  id,
  label,
  placeholder,
  tags,
  most,
  listAbove = false,
  onChange,
}: TagEditorProps) {
  const add = (added: string[]) => {
    const all = [...new Set([...tags, ...added])];
    onChange(most === undefined ? all : all.slice(-most));
  };
  return (
    <div
      className="relative flex min-h-9 flex-wrap items-center gap-1 rounded-md border border-line
        bg-raised p-1 focus-within:border-blue focus-within:outline-1 focus-within:outline-blue"
    >
      {tags.length > 0 && (
        <ul aria-label={label} className="contents">
          {tags.map((tag) => (
            <li
              key={tag}
              className="flex max-w-full items-center rounded-sm bg-well pl-2 text-[0.8125rem]"
            >
              <span className="min-w-0 truncate">{words(tag)}</span>
              <button
                type="button"
                aria-label={`Remove ${words(tag)}`}
                className="flex h-7 w-6 shrink-0 items-center justify-center rounded-sm text-soft
                  hover:text-ruby [@media(hover:none)]:size-8"
                onClick={() => onChange(tags.filter((known) => known !== tag))}
              >
                <X className="size-3.5" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <TagInput
        id={id}
        label={label}
        placeholder={tags.length === 0 ? placeholder : most === 1 ? "" : "Add a tag"}
        taken={tags}
        takesTyped
        listAbove={listAbove}
        onAdd={add}
        onBackspace={() => onChange(tags.slice(0, -1))}
        className="h-7 min-w-32 flex-1 bg-transparent px-2 outline-none placeholder:text-soft
          [@media(hover:none)]:h-8"
      />
    </div>
  );
}
