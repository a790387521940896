import { Tag } from "lucide-react";

import type { FacetValue } from "@/api/client";

import { TagInput } from "./tag-input";

interface TagFieldProps {
  /** Tags that are filters already. */
  taken: readonly string[];
  /** Tags to offer before anything is typed. */
  common: readonly FacetValue[];
  onAdd: (tags: string[], excluded: boolean) => void;
}

/** A field that completes tags to filter by. A minus in front excludes the tag. */
export function TagField(props: TagFieldProps) {
  return (
    <div className="relative min-w-0">
      <Tag
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2 size-3.5 -translate-y-1/2 text-soft"
      />
      <TagInput
        {...props}
        minus
        label="Filter by tag"
        placeholder="Tag, or -tag"
        className="h-7 w-40 rounded-md border border-line bg-raised pr-2 pl-7 text-xs
          placeholder:text-soft focus-visible:border-blue focus-visible:outline-1
          focus-visible:outline-offset-0"
      />
    </div>
  );
}
