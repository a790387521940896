/**
 * The settings of a search: their initial values, and their fields in a request. The form's state,
 * the stored values of a tab, and the request are all derived from this list.
 */

import type { Schemas } from "@/api/client";
import type { Picture } from "@/api/pictures";
import type { PerSpace } from "@/api/results";
import type { GalleryFields } from "@/gallery/pages";

import type { Within } from "./within";

export interface TagFilter {
  tag: string;
  /** Whether pictures with this tag are left out. */
  excluded: boolean;
  /** Whether it was chosen as a style. Of several styles, any is enough. */
  style?: boolean;
}

/** A picture that results should be like, with what is needed to show it after a reload. */
export type Liked = Pick<Picture, "id" | "title">;

/** The artist's own picture whose style results should have, as a data URL. */
export interface StyleImage {
  url: string;
  title: string;
}

/** A style that the gallery has, with what is needed to show it after a reload. */
export interface GalleryStyle {
  id: number;
  name: string;
}

/** Fields of a request. An empty text is not sent. */
export type SearchFields = Partial<Record<keyof Schemas["SearchForm"], string>>;

interface Setting<T> {
  initial: T;
  fields: (value: T) => SearchFields;
}

function setting<T>(initial: T, fields: (value: T) => SearchFields): Setting<T> {
  return { initial, fields };
}

/** The weights under the names that requests have for them. */
export function weightFields({ image, edge, text, style }: PerSpace<number>) {
  return { w_img: image, w_edge: edge, w_txt: text, w_style: style };
}

function csv(filters: readonly TagFilter[]): string {
  return filters.map(({ tag }) => tag).join(",");
}

/** The filters as lists: any of the styles, the tags, and the tags that are left out. */
function tagLists(filters: readonly TagFilter[]) {
  const wanted = filters.filter(({ excluded }) => !excluded);
  return {
    styles: csv(wanted.filter(({ style }) => style === true)),
    tags: csv(wanted.filter(({ style }) => style !== true)),
    excluded: csv(filters.filter(({ excluded }) => excluded)),
  };
}

/** If two settings have the same field, the later one is used, unless it is empty. */
export const SETTINGS = {
  text: setting("", (text) => ({ query_text: text.trim() })),
  negativeText: setting("", (text) => ({ negative_text: text.trim() })),
  weights: setting<PerSpace<number>>({ image: 0.7, edge: 0.3, text: 0.2, style: 0.5 }, (weights) =>
    Object.fromEntries(
      Object.entries(weightFields(weights)).map(([field, weight]) => [field, String(weight)]),
    ),
  ),
  /** Whether the drawing is searched for. It is sent as files, which `search.ts` adds. */
  useSketch: setting(true, () => ({})),
  likes: setting<readonly Liked[]>([], (likes) => ({ like: likes.map(({ id }) => id).join(",") })),
  /** Pictures of the gallery whose style results should have. */
  styles: setting<readonly Liked[]>([], (styles) => ({
    style_like: styles.map(({ id }) => id).join(","),
  })),
  /** It is sent as a file, which `search.ts` adds. */
  styleImage: setting<StyleImage | null>(null, () => ({})),
  /** Styles of the gallery of which results must be. */
  styleGroups: setting<readonly GalleryStyle[]>([], (groups) => ({
    style_groups: groups.map(({ id }) => id).join(","),
  })),
  filters: setting<readonly TagFilter[]>([], (filters) => {
    const { styles, tags, excluded } = tagLists(filters);
    return { style_tags: styles, tag_filters: tags, exclude_tags: excluded };
  }),
  /** The pictures of the map that results must be among. */
  within: setting<Within | null>(null, (within) => ({
    map_area: within?.area ?? "",
    map_space: within?.space ?? "",
    map_made: within === null ? "" : String(within.made),
  })),
  /** Whether all tags are needed, or one is enough. Styles are not among them. */
  tagMode: setting<"any" | "all">("all", (mode) => ({ tag_mode: mode })),
  /** The gallery's own pictures, generated pictures, or both. */
  origin: setting<"gallery" | "generated" | "any">("gallery", (origin) => ({
    origin: origin === "gallery" ? "" : origin,
  })),
  personalise: setting(true, (personalise) => ({ personalize: String(personalise) })),
  /** Whether a drawing alone may find several guesses. A diversity of zero turns that off. */
  severalGuesses: setting(true, (several) => ({ diversity: several ? "" : "0" })),
  diversity: setting(0, (diversity) => ({ diversity: diversity > 0 ? String(diversity) : "" })),
  minPercentile: setting(0, (least) => ({ min_percentile: least > 0 ? String(least) : "" })),
};

type Settings = typeof SETTINGS;

/** What is searched for, as the artist set it. */
export type Query = { [Name in keyof Settings]: Settings[Name]["initial"] };

const NAMES = Object.keys(SETTINGS) as (keyof Settings)[];

function forEachSetting<T>(value: (name: keyof Settings) => T): Record<keyof Settings, T> {
  return Object.fromEntries(NAMES.map((name) => [name, value(name)])) as Record<keyof Settings, T>;
}

export const INITIAL = forEachSetting((name) => SETTINGS[name].initial) as Query;

/** The settings alone, without whatever else a store holds. */
export function queryOf(state: Query): Query {
  return forEachSetting((name) => state[name]) as Query;
}

/** Results of one page. */
const PAGE = 36;

/** The fields of a request for one page, without the drawing. */
export function searchFields(query: Query, artist: string, cursor: string | null): SearchFields {
  const all: SearchFields = { top: String(PAGE), facets: "true", user_id: artist };
  const parts = NAMES.map((name) => fieldsOf(name, query));
  for (const part of [...parts, { cursor: cursor ?? "" }]) {
    for (const [field, value] of Object.entries(part)) {
      if (value !== "") all[field as keyof SearchFields] = value;
    }
  }
  return all;
}

function fieldsOf<Name extends keyof Settings>(name: Name, query: Query): SearchFields {
  const { fields } = SETTINGS[name] as unknown as Setting<Query[Name]>;
  return fields(query[name]);
}

/** Whether there is anything to search for. Without it the gallery is shown, as the filters say. */
export function isSearchable(query: Query, sketched: boolean): boolean {
  const styled = query.styles.length > 0 || query.styleImage !== null;
  const sketch = query.useSketch && sketched;
  return query.text.trim() !== "" || styled || query.likes.length > 0 || sketch;
}

/** The filters as fields of a request for the gallery. */
export function galleryFields({ filters, tagMode, styleGroups, origin }: Query): GalleryFields {
  const { styles, tags, excluded } = tagLists(filters);
  const groups = styleGroups.map(({ id }) => id).join(",");
  return {
    ...(styles !== "" && { styles }),
    ...(groups !== "" && { style_groups: groups }),
    ...(tags !== "" && { tags, tag_mode: tagMode }),
    ...(excluded !== "" && { exclude_tags: excluded }),
    ...(origin !== "gallery" && { origin }),
  };
}
