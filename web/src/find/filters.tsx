import { ChevronDown, X } from "lucide-react";
import { useState } from "react";

import type { FacetValue, Schemas } from "@/api/client";
import { picturePath } from "@/api/pictures";
import { MOST_STYLES, useStyles } from "@/api/queries";
import { cn } from "@/lib/classes";
import { count, words } from "@/lib/format";
import { Button } from "@/ui/button";
import { Chip } from "@/ui/chip";
import { Segments } from "@/ui/controls";
import { Picture } from "@/ui/picture";

import type { TagFilter } from "./fields";
import { cycleFilter, toggleFilter, useQueryState, withoutFilter } from "./query-state";
import { StyleChips } from "./style-chips";
import { TagField } from "./tag-field";

type Facets = Schemas["FacetsOfResults"] | null;

/** Styles that are shown before *more styles* is pressed. */
const FEW = 6;

/** The filters: styles as chips, and other tags. */
export function Filters({ facets }: { facets: Facets }) {
  const { data: styles = [] } = useStyles(MOST_STYLES);
  return (
    <div className="flex flex-col gap-2">
      <Styles styles={styles} facets={facets} />
      {/* Where tags name styles, they are the choice already. */}
      <StyleChips found={styles.length > 0 ? [] : (facets?.style_groups ?? [])} />
      <Tags styles={styles} facets={facets} />
    </div>
  );
}

interface FiltersProps {
  styles: readonly FacetValue[];
  facets: Facets;
}

function Styles({ styles, facets }: FiltersProps) {
  const { filters, set } = useQueryState();
  const [all, setAll] = useState(false);
  const filterOf = (style: string) => filters.find(({ tag }) => tag === style);
  const isShown = ({ value }: FacetValue, index: number) =>
    all || index < FEW || filterOf(value) !== undefined;
  const titleOf = ({ value, count: total }: FacetValue) => {
    if (facets === null) return `${count(total)} pictures`;
    const found = facets.styles.find((facet) => facet.value === value)?.count ?? 0;
    return `${count(found)} among the best results`;
  };
  return (
    <div
      className="flex flex-wrap items-center gap-1.5 max-sm:-mx-4 max-sm:flex-nowrap
        max-sm:overflow-x-auto max-sm:px-4 max-sm:[scrollbar-width:none]"
    >
      {styles.length > 0 && (
        <ul aria-label="Styles" className="contents">
          {styles.filter(isShown).map((style) => (
            <li key={style.value}>
              <StyleChip
                style={style.value}
                title={titleOf(style)}
                filter={filterOf(style.value)}
                onClick={() => set({ filters: toggleFilter(filters, style.value) })}
              />
            </li>
          ))}
        </ul>
      )}
      {styles.length > FEW && (
        <Button look="ghost" size="tiny" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Fewer styles" : `${styles.length - FEW} more styles`}
          <ChevronDown className={cn("transition-transform", all && "rotate-180")} />
        </Button>
      )}
    </div>
  );
}

interface StyleChipProps {
  style: string;
  title: string;
  filter: TagFilter | undefined;
  onClick: () => void;
}

function StyleChip({ style, title, filter, onClick }: StyleChipProps) {
  return (
    <Chip
      on={filter !== undefined}
      title={title}
      onClick={onClick}
      className={
        filter?.excluded === true ? "border-ruby bg-ruby-soft text-ruby line-through" : undefined
      }
    >
      {words(style)}
    </Chip>
  );
}

/** The filters that are not styles, and how all filters are combined. */
function Tags({ styles, facets }: FiltersProps) {
  const { filters, tagMode, set } = useQueryState();
  const isStyle = (tag: string) => styles.some(({ value }) => value === tag);
  const required = filters.filter(({ excluded }) => !excluded).length;
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      <TagField
        taken={filters.map(({ tag }) => tag)}
        common={facets?.tags ?? []}
        onAdd={(tags, excluded) => {
          const others = filters.filter(({ tag }) => !tags.includes(tag));
          set({ filters: [...others, ...tags.map((tag) => ({ tag, excluded }))] });
        }}
      />
      {filters
        .filter(({ tag }) => !isStyle(tag))
        .map((filter) => (
          <TagChip
            key={filter.tag}
            filter={filter}
            onCycle={() => set({ filters: cycleFilter(filters, filter.tag) })}
            onRemove={() => set({ filters: withoutFilter(filters, filter.tag) })}
          />
        ))}
      {required > 1 && (
        <Segments
          small
          label="How filters combine"
          value={tagMode}
          onChange={(mode) => set({ tagMode: mode })}
          choices={[
            { value: "any", label: "Any" },
            { value: "all", label: "All" },
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
  onCycle: () => void;
  onRemove: () => void;
}

function TagChip({ filter: { tag, excluded }, onCycle, onRemove }: TagChipProps) {
  return (
    <span
      className={cn(
        "inline-flex h-7 items-center rounded-full border pl-2.5 text-xs font-medium",
        excluded ? "border-ruby bg-ruby-soft text-ruby" : "border-blue bg-blue-soft text-blue",
      )}
    >
      <button type="button" title="Require or exclude this tag" onClick={onCycle}>
        {excluded ? "not " : ""}
        {words(tag)}
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
          className="inline-flex items-center gap-1.5 rounded-md bg-blue-soft pr-1 text-xs
            text-blue"
        >
          <Picture
            path={picturePath({ id }, 64)}
            alt=""
            className="size-8 rounded-l-md object-cover"
          />
          {words(title)}
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
