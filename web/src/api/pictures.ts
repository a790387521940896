/** Pictures of the gallery, as results show them. */

import { number, text, texts, type Fields } from "@/lib/json";
import { withParameter } from "@/lib/address";

import type { Schemas } from "./client";

export interface Picture {
  /** Text, because a `u64` may be larger than the integers that JavaScript can represent. */
  id: string;
  /** Its path on the server, with the version of the search; null when the answer has none. */
  address: string | null;
  title: string;
  tags: string[];
  styles: string[];
  width: number | null;
  height: number | null;
  source: string | null;
  site: string | null;
  licence: string | null;
  artist: string | null;
  /** Its file, by a path that is relative to a folder of the gallery where it can be. */
  path: string | null;
  /** Whether its file was gone when its folder was scanned last. */
  missing: boolean;
  /** Whether it was generated here. */
  made: boolean;
}

/**
 * The server's path of a picture. Browsers cache an address with a version for good, so it is used
 * only while the answer that named it is fresh. Stored pictures (references, likes) are addressed
 * by their id, which browsers revalidate.
 */
export function picturePath(
  { id, address = null }: { id: string; address?: string | null },
  width?: number,
): string {
  const path = address ?? `/api/image/${encodeURIComponent(id)}`;
  return width === undefined ? path : withParameter(path, "w", String(width));
}

/**
 * A picture from its payload. The payload has the fields of a manifest, whose types the document
 * does not describe, so each field is checked here.
 */
export function pictureOf(id: unknown, payload: Fields): Picture {
  const styles = texts(payload["matched_tags"]);
  const style = text(payload["style"]);
  const made = payload["origin"] === "generated";
  return {
    id: idOf(id, payload),
    address: addressOf(payload),
    title: titleOf(payload, made) ?? idOf(id, payload),
    tags: texts(payload["tags_all"]),
    styles: style !== null && !styles.includes(style) ? [style, ...styles] : styles,
    width: number(payload["width"]),
    height: number(payload["height"]),
    source: httpUrl(text(payload["source_post_url"]) ?? text(payload["source"])),
    site: text(payload["source_site"]),
    licence: text(payload["license"]) ?? text(payload["licence"]),
    artist: text(payload["artist"]) ?? (texts(payload["artist"]).join(", ") || null),
    path: text(payload["path"]),
    missing: payload["missing"] === true,
    made,
  };
}

function titleOf(payload: Fields, made: boolean): string | null {
  if (made) return text(payload["prompt"]) ?? "generated picture";
  return text(payload["subject"]) ?? fileName(text(payload["path"]));
}

/** A path of this server, with or without a sub-path and a version. */
const ADDRESS = /^\/(?!\/)(?:[^?#]*\/)?image\/([^/?#]+)(?:\?[^#]*)?$/;

function addressOf(payload: Fields): string | null {
  const given = text(payload["image_url"]);
  return given !== null && ADDRESS.test(given) ? given : null;
}

function idOf(id: unknown, payload: Fields): string {
  const named = text(payload["image_url"])?.match(ADDRESS)?.[1];
  return named !== undefined ? decodeURIComponent(named) : String(id);
}

function fileName(path: string | null): string | null {
  const file = path
    ?.split("/")
    .at(-1)
    ?.replace(/\.[a-z0-9]+$/i, "");
  return file === undefined || file === "" ? null : file;
}

/** Manifests come from elsewhere: only `http` and `https` addresses become links. */
function httpUrl(address: string | null): string | null {
  if (address === null) return null;
  try {
    const { protocol, href } = new URL(address);
    return protocol === "https:" || protocol === "http:" ? href : null;
  } catch {
    return null;
  }
}

/** What a generated picture takes from a reference: its style, or its subject. */
export type Role = "style" | "subject";

/** A picture that the server suggests as a reference. */
export interface Suggestion {
  id: string;
  title: string;
  licence: string | null;
  role: Role;
  weight: number;
  reason: string;
}

export function suggestionOf(reference: Schemas["ReferenceResponse"]): Suggestion {
  const { id, title, licence } = pictureOf(reference.id, reference.payload);
  const role = reference.role === "subject" ? "subject" : "style";
  return { id, title, licence, role, weight: reference.weight, reason: reference.reason };
}
