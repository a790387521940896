import { ChevronDown, X } from "lucide-react";
import { useState } from "react";

import { picturePath, type Facets } from "@/api/pictures";
import { useFacet } from "@/api/queries";
import { cn } from "@/lib/classes";
import { count, words } from "@/lib/format";
import { Button } from "@/ui/button";
import { Segments } from "@/ui/controls";
import { Picture } from "@/ui/picture";

import { cycled, toggled, useQueryState, without } from "./query";
import { TagField } from "./tag-field";

const FEW = 6;

/** Style chips, tag filters, and the pictures that results are to be like. */
export function Filters({ facets }: { facets: Facets | null }) {
  const query = useQueryState();
  const { data: styles = [] } = useFacet("matched_tags", 60);
  const [all, setAll] = useState(false);
  const names = styles.map(({ value }) => value);
  const inResults = new Map(facets?.styles.map((facet) => [facet.value, facet.count]));
  const tags = query.filters.filter(({ tag }) => !names.includes(tag));
  const chosen = (style: string) => query.filters.find(({ tag }) => tag === style);
  const shown = all ? styles : styles.filter(({ value }, index) => index < FEW || chosen(value) !== undefined);
  const wanted = query.filters.filter(({ excluded }) => !excluded).length;

  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-1.5 max-sm:-mx-4 max-sm:flex-nowrap max-sm:overflow-x-auto max-sm:px-4 max-sm:[scrollbar-width:none]">
        {shown.length > 0 && (
          <ul aria-label="Styles" className="contents">
            {shown.map(({ value, count: there }) => {
              const filter = chosen(value);
              const found = facets === null ? undefined : (inResults.get(value) ?? 0);
              return (
                <li key={value}>
                  <button
                    type="button"
                    aria-pressed={filter !== undefined}
                    title={found === undefined ? `${count(there)} pictures` : `${count(found)} among the best results`}
                    onClick={() => query.set({ filters: toggled(query.filters, value) })}
                    className={cn(
                      "h-7 rounded-full border px-2.5 text-xs font-medium whitespace-nowrap transition-colors",
                      filter === undefined ? "border-line bg-raised text-soft hover:border-edge hover:text-ink" : "border-blue bg-blue-soft text-blue",
                      filter?.excluded === true && "border-ruby bg-ruby-soft text-ruby line-through",
                    )}
                  >
                    {words(value)}
                  </button>
                </li>
              );
            })}
          </ul>
        )}
        {styles.length > FEW && (
          <Button look="ghost" size="tiny" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? "Fewer styles" : `${styles.length - FEW} more styles`}
            <ChevronDown className={cn("transition-transform", all && "rotate-180")} />
          </Button>
        )}
      </div>
      <div className="flex flex-wrap items-center gap-1.5">
        <TagField
          taken={query.filters.map(({ tag }) => tag)}
          common={facets?.tags ?? []}
          onAdd={(tag, excluded) => query.set({ filters: [...without(query.filters, tag), { tag, excluded }] })}
        />
        {tags.map(({ tag, excluded }) => (
          <span key={tag} className={cn("inline-flex h-7 items-center rounded-full border pl-2.5 text-xs font-medium", excluded ? "border-ruby bg-ruby-soft text-ruby" : "border-blue bg-blue-soft text-blue")}>
            <button type="button" title="Click to leave out instead" onClick={() => query.set({ filters: cycled(query.filters, tag) })}>
              {excluded ? "not " : ""}{words(tag)}
            </button>
            <button type="button" aria-label={`Remove the filter ${words(tag)}`} className="px-1.5" onClick={() => query.set({ filters: without(query.filters, tag) })}>
              <X className="size-3.5" />
            </button>
          </span>
        ))}
        {wanted > 1 && (
          <Segments
            small
            label="How filters combine"
            value={query.tagMode}
            onChange={(tagMode) => query.set({ tagMode })}
            choices={[{ value: "any", label: "Any" }, { value: "all", label: "All" }]}
          />
        )}
        {query.filters.length > 0 && <Button look="ghost" size="tiny" onClick={() => query.set({ filters: [] })}>Clear filters</Button>}
      </div>
    </div>
  );
}

/** The pictures that results are to be like. */
export function Likes() {
  const { likes, set } = useQueryState();
  if (likes.length === 0) return null;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <span className="label-caps">Like</span>
      {likes.map(({ id, title }) => (
        <span key={id} className="inline-flex items-center gap-1.5 rounded-md bg-blue-soft pr-1 text-xs text-blue">
          <Picture path={picturePath({ id }, 64)} alt="" className="size-8 rounded-l-md object-cover" />
          {words(title)}
          <button type="button" aria-label={`No longer like ${words(title)}`} className="p-1" onClick={() => set({ likes: likes.filter((like) => like.id !== id) })}>
            <X className="size-3.5" />
          </button>
        </span>
      ))}
    </div>
  );
}
