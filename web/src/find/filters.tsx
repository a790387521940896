import { ChevronDown, X } from "lucide-react";
import { useState } from "react";

import type { FacetValue } from "@/api/client";
import { picturePath } from "@/api/pictures";
import { MOST_STYLES, useStyles } from "@/api/queries";
import { cn } from "@/lib/classes";
import { count, plural, words } from "@/lib/format";
import { Button } from "@/ui/button";
import { Chip, ChipCount } from "@/ui/chip";
import { Segments } from "@/ui/controls";
import { Picture } from "@/ui/picture";

import { countOf, type ChipCounts } from "./chip-counts";
import type { TagFilter } from "./fields";
import { cycleFilter, toggleStyle, useQueryState, withoutFilter } from "./query-state";
import { StyleChips } from "./style-chips";
import { TagField } from "./tag-field";
import { WithinChip } from "./within-chip";

/** Styles that are shown before *more styles* is pressed. */
const FEW = 6;

interface FiltersProps {
  /** Null until they are known. */
  counts: ChipCounts | null;
}

/** The filters: any of the styles, as chips, and other tags. */
export function Filters({ counts }: FiltersProps) {
  const { data: styles = [] } = useStyles(MOST_STYLES);
  return (
    <div className="flex flex-col gap-2">
      <Styles styles={styles} counts={counts} />
      {/* Where tags name styles, they are the choice already. */}
      <StyleChips found={styles.length > 0 ? [] : (counts?.groups ?? [])} counts={counts} />
      <Tags styles={styles} counts={counts} />
    </div>
  );
}

interface PartProps extends FiltersProps {
  styles: readonly FacetValue[];
}

function Styles({ styles, counts }: PartProps) {
  const { filters, set } = useQueryState();
  const [all, setAll] = useState(false);
  const filterOf = (style: string) => filters.find(({ tag }) => tag === style);
  const isShown = ({ value }: FacetValue, index: number) =>
    all || index < FEW || filterOf(value) !== undefined;
  const shown = styles.filter(isShown);
  return (
    <div
      className="flex flex-wrap items-center gap-1.5 max-sm:-mx-4 max-sm:flex-nowrap
        max-sm:overflow-x-auto max-sm:px-4 max-sm:[scrollbar-width:none]"
    >
      {styles.length > 0 && (
        <ul aria-label="Styles" className="contents">
          {shown.map((style) => (
            <li key={style.value}>
              <StyleChip
                style={style}
                counts={counts}
                filter={filterOf(style.value)}
                onClick={() => set({ filters: toggleStyle(filters, style.value) })}
              />
            </li>
          ))}
        </ul>
      )}
      {(all ? styles.length > FEW : styles.length > shown.length) && (
        <Button look="ghost" size="tiny" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Fewer styles" : plural(styles.length - shown.length, "more style")}
          <ChevronDown className={cn("transition-transform", all && "rotate-180")} />
        </Button>
      )}
    </div>
  );
}

interface StyleChipProps extends FiltersProps {
  style: FacetValue;
  filter: TagFilter | undefined;
  onClick: () => void;
}

/** A style. Its count is what it adds, or among the best results, if it is chosen. */
function StyleChip({ style, counts, filter, onClick }: StyleChipProps) {
  const found = countOf(counts?.styles, style.value);
  const on = filter !== undefined;
  const isOfResults = counts?.of === "results";
  const title = isOfResults
    ? `${count(found ?? 0)} among the best results`
    : plural(found ?? style.count, "picture");
  return (
    <Chip
      on={on}
      name={words(style.value)}
      title={on ? `${title}. Remove this filter` : title}
      onClick={onClick}
      className={
        filter?.excluded === true ? "border-ruby bg-ruby-soft text-ruby line-through" : undefined
      }
    >
      {words(style.value)}
      {found !== null && (on || !isOfResults) && <ChipCount value={found} />}
      {on && <X aria-hidden className="-mr-0.5 ml-1 inline size-3.5 align-[-0.2rem]" />}
    </Chip>
  );
}

/** The filters that are not styles, and how they are combined. */
function Tags({ styles, counts }: PartProps) {
  const { filters, tagMode, set } = useQueryState();
  const isStyle = (tag: string) => styles.some(({ value }) => value === tag);
  const required = filters.filter(({ excluded, style }) => !excluded && style !== true).length;
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      <TagField
        taken={filters.map(({ tag }) => tag)}
        common={counts?.tags ?? []}
        onAdd={(tags, excluded) => {
          const others = filters.filter(({ tag }) => !tags.includes(tag));
          const added = tags.map((tag) => ({ tag, excluded, style: isStyle(tag) }));
          set({ filters: [...others, ...added] });
        }}
      />
      <WithinChip />
      {filters
        .filter(({ tag }) => !isStyle(tag))
        .map((filter) => (
          <TagChip
            key={filter.tag}
            filter={filter}
            found={filter.excluded ? null : countOf(counts?.chosen, filter.tag)}
            onCycle={() => set({ filters: cycleFilter(filters, filter.tag) })}
            onRemove={() => set({ filters: withoutFilter(filters, filter.tag) })}
          />
        ))}
      {required > 1 && (
        <Segments
          small
          label="How tags combine"
          value={tagMode}
          onChange={(mode) => set({ tagMode: mode })}
          choices={[
            { value: "all", label: "All" },
            { value: "any", label: "Any" },
          ]}
        />
      )}
      {filters.length > 0 && (
        <Button look="ghost" size="tiny" onClick={() => set({ filters: [] })}>
          Clear filters
        </Button>
      )}
    </div>
  );
}

interface TagChipProps {
  filter: TagFilter;
  /** How many pictures have it; null if that is not known. */
  found: number | null;
  onCycle: () => void;
  onRemove: () => void;
}

function TagChip({ filter: { tag, excluded }, found, onCycle, onRemove }: TagChipProps) {
  return (
    <span
      className={cn(
        "inline-flex h-7 max-w-full items-center rounded-full border pl-2.5 text-xs font-medium",
        excluded ? "border-ruby bg-ruby-soft text-ruby" : "border-blue bg-blue-soft text-blue",
      )}
    >
      <button
        type="button"
        title="Require or exclude this tag"
        className="flex min-w-0"
        onClick={onCycle}
      >
        <span dir="auto" className="truncate">
          {excluded ? "not " : ""}
          {words(tag)}
        </span>
        {found !== null && <ChipCount value={found} />}
      </button>
      <button
        type="button"
        aria-label={`Remove the filter ${words(tag)}`}
        className="px-1.5"
        onClick={onRemove}
      >
        <X className="size-3.5" />
      </button>
    </span>
  );
}

/** The pictures that results should be like. */
export function Likes() {
  const { likes, set } = useQueryState();
  if (likes.length === 0) return null;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <span className="label-caps">Similar to</span>
      {likes.map(({ id, title }) => (
        <span
          key={id}
          className="inline-flex max-w-60 items-center gap-1.5 rounded-md bg-blue-soft pr-1
            text-xs text-blue"
        >
          <Picture
            path={picturePath({ id }, 64)}
            alt=""
            className="size-8 shrink-0 rounded-l-md object-cover"
          />
          <span dir="auto" className="truncate">
            {words(title)}
          </span>
          <button
            type="button"
            aria-label={`Remove ${words(title)} from similar pictures`}
            className="p-1"
            onClick={() => set({ likes: likes.filter((like) => like.id !== id) })}
          >
            <X className="size-3.5" />
          </button>
        </span>
      ))}
    </div>
  );
}
