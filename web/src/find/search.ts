/** One page of a search. */

import { request, type Schemas } from "@/api/client";
import type { Features } from "@/api/features";
import { pageOf, type SearchPage } from "@/api/pictures";
import { at } from "@/lib/address";
import type { Drawing } from "@/pad/drawing";
import { basePicture, sketchPicture } from "@/pad/paint";

import { formOf, type Query } from "./query";

interface Painted {
  sketch: Blob | null;
  base: Blob | null;
}

/** One picture of each drawing is enough for all its pages and weights. */
let painted: { drawing: Drawing; pictures: Promise<Painted> } | null = null;

async function paint(drawing: Drawing): Promise<Painted> {
  return { sketch: await sketchPicture(drawing), base: basePicture(drawing) };
}

export async function searchForm(query: Query, drawing: Drawing, artist: string, features: Features, cursor: string | null): Promise<FormData> {
  const form = new FormData();
  for (const [name, value] of formOf(query, artist, features, cursor)) form.append(name, value);
  if (!query.useSketch) return form;
  if (painted?.drawing !== drawing) painted = { drawing, pictures: paint(drawing) };
  const { sketch, base } = await painted.pictures;
  if (sketch !== null) form.append("sketch", sketch, "sketch.png");
  if (base !== null) form.append("image", base, "base");
  return form;
}

export interface SearchAsk {
  query: Query;
  drawing: Drawing;
  artist: string;
  features: Features;
  cursor: string | null;
  signal: AbortSignal;
}

export async function search({ query, drawing, artist, features, cursor, signal }: SearchAsk): Promise<SearchPage> {
  const form = await searchForm(query, drawing, artist, features, cursor);
  const address = at("/api/search/hybrid");
  const response = await request(new Request(address, { method: "POST", body: form, signal }));
  return pageOf((await response.json()) as Schemas["SearchResponse"]);
}
