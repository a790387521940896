/** Pictures of the gallery, as results show them. */

import { fields, list, number, text, texts, type Fields } from "@/lib/json";
import { withParameter } from "@/lib/address";

import type { Schemas } from "./client";

export interface Picture {
  /** As text: ids may be larger than a JavaScript number can tell apart. */
  id: string;
  /** Where the server has it, in the version that was found; null where the answer does not say. */
  address: string | null;
  title: string;
  tags: string[];
  styles: string[];
  width: number | null;
  height: number | null;
  source: string | null;
  site: string | null;
  licence: string | null;
  /** Whether it was made here, from references. */
  made: boolean;
}

export const SPACES = ["image", "edge", "text"] as const;
export type Space = (typeof SPACES)[number];
export type PerSpace<T> = Record<Space, T>;

export interface Hit {
  picture: Picture;
  score: number;
  scores: PerSpace<number | null>;
  /** Share of the collection that scores lower in each space, 0..1, where the server tells. */
  percentiles: PerSpace<number | null> | null;
  /** Share of the collection that the query ranks lower. */
  percentile: number | null;
  /** How many pictures that look the same were left out for this one. */
  duplicates: number;
  lexical: number | null;
}

export interface FacetValue {
  value: string;
  count: number;
}

export interface Facets {
  tags: FacetValue[];
  styles: FacetValue[];
}

export interface SearchPage {
  hits: Hit[];
  nextCursor: string | null;
  weights: PerSpace<number>;
  tookMs: number;
  priors: number;
  facets: Facets | null;
}

/**
 * The server's path of a picture. An address with a version is never asked for again, so it is taken from a fresh answer
 * only; what was kept longer (a reference, a drawing's neighbour) goes by its id, which browsers ask about each time.
 */
export function picturePath({ id, address = null }: { id: string; address?: string | null }, width?: number): string {
  const path = address ?? `/api/image/${encodeURIComponent(id)}`;
  return width === undefined ? path : withParameter(path, "w", String(width));
}

export function pictureOf(id: unknown, payload: Fields): Picture {
  const styles = texts(payload["matched_tags"]);
  const style = text(payload["style"]);
  const path = text(payload["path"]);
  const made = payload["origin"] === "generated";
  return {
    id: idOf(id, payload),
    address: addressOf(payload),
    title: (made ? text(payload["prompt"]) : text(payload["subject"])) ?? (made ? "made picture" : nameOf(path)) ?? idOf(id, payload),
    tags: texts(payload["tags_all"]),
    styles: style !== null && !styles.includes(style) ? [style, ...styles] : styles,
    width: number(payload["width"]),
    height: number(payload["height"]),
    source: httpUrl(text(payload["source_post_url"]) ?? text(payload["source"])),
    site: text(payload["source_site"]),
    licence: text(payload["license"]) ?? text(payload["licence"]),
    made,
  };
}

/** A path of this server, under a sub-path or not, with or without a version. */
const ADDRESS = /^\/(?!\/)(?:[^?#]*\/)?image\/([^/?#]+)(?:\?[^#]*)?$/;

function addressOf(payload: Fields): string | null {
  const given = text(payload["image_url"]);
  return given !== null && ADDRESS.test(given) ? given : null;
}

function idOf(id: unknown, payload: Fields): string {
  const named = text(payload["image_url"])?.match(ADDRESS)?.[1];
  return named !== undefined ? decodeURIComponent(named) : String(id);
}

function nameOf(path: string | null): string | null {
  const file = path?.split("/").at(-1)?.replace(/\.[a-z0-9]+$/i, "");
  return file === undefined || file === "" ? null : file;
}

/** Manifests come from elsewhere: only addresses that are safe to follow become links. */
function httpUrl(address: string | null): string | null {
  if (address === null) return null;
  try {
    const { protocol, href } = new URL(address);
    return protocol === "https:" || protocol === "http:" ? href : null;
  } catch {
    return null;
  }
}

function perSpace(value: unknown): PerSpace<number | null> {
  const given = fields(value);
  return { image: number(given["image"]), edge: number(given["edge"]), text: number(given["text"]) };
}

export function hitOf(result: Schemas["SearchResult"]): Hit {
  const given: Fields = result;
  const percentiles = given["percentiles"];
  return {
    picture: pictureOf(result.id, result.payload),
    score: result.score,
    scores: perSpace(result.scores),
    percentiles: percentiles === undefined || percentiles === null ? null : perSpace(percentiles),
    percentile: number(given["percentile"]),
    duplicates: list(given["duplicates"]).length,
    lexical: result.lexical ?? null,
  };
}

export function facetValues(value: unknown): FacetValue[] {
  return list(value).flatMap((member) => {
    const given = fields(member);
    const name = text(given["value"]);
    return name === null ? [] : [{ value: name, count: number(given["count"]) ?? 0 }];
  });
}

export function pageOf(answer: Schemas["SearchResponse"]): SearchPage {
  const given: Fields = answer;
  const facets = given["facets"] === undefined || given["facets"] === null ? null : fields(given["facets"]);
  const weights = perSpace(answer.weights);
  return {
    hits: answer.results.map(hitOf),
    nextCursor: answer.next_cursor ?? null,
    weights: { image: weights.image ?? 0, edge: weights.edge ?? 0, text: weights.text ?? 0 },
    tookMs: answer.took_ms.total,
    priors: answer.priors_size,
    facets:
      facets === null
        ? null
        : { tags: facetValues(facets["tags"]), styles: facetValues(facets["styles"]) },
  };
}
