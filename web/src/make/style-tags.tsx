import { MOST_STYLES, useStyles } from "@/api/queries";
import { words } from "@/lib/format";
import { Chip } from "@/ui/chip";

import { MOST_STYLE_TAGS, galleryFirst, toggleStyle, useWish } from "./wish";

interface StyleTagsProps {
  /** The style tags that the provider knows, and those that were chosen with another one. */
  tags: readonly string[];
  chosen: readonly string[];
}

/** The styles of the new pictures. Those of the gallery come first, in the order of the search. */
export function StyleTags({ tags, chosen }: StyleTagsProps) {
  const set = useWish((state) => state.set);
  const { data: gallery = [] } = useStyles(MOST_STYLES);
  const inGallery = gallery.map(({ value }) => value);
  return (
    <fieldset>
      <legend className="label-caps mb-1.5">
        Style <span className="font-normal">· at most {MOST_STYLE_TAGS}</span>
      </legend>
      <div className="flex flex-wrap gap-1.5">
        {galleryFirst(tags, inGallery).map((tag) => {
          const on = chosen.includes(tag);
          return (
            <Chip
              key={tag}
              on={on}
              disabled={!on && chosen.length >= MOST_STYLE_TAGS}
              onClick={() => set({ styleTags: toggleStyle(chosen, tag) })}
            >
              {words(tag)}
            </Chip>
          );
        })}
      </div>
    </fieldset>
  );
}
