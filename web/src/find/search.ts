/** Calls that search by the form and the drawing. */

import { api, body, multipart, type Schemas } from "@/api/client";
import { suggestionOf, type Suggestion } from "@/api/pictures";
import { pageOf, type SearchPage } from "@/api/results";
import type { Drawing } from "@/pad/drawing";
import { basePicture, fileOfUrl, sketchPicture } from "@/pad/paint";

import { searchFields, type Query } from "./fields";

interface Painted {
  sketch: Blob | null;
  base: Blob | null;
}

/** The last drawing that was rendered. All searches with it use the same pictures. */
let painted: { drawing: Drawing; pictures: Promise<Painted> } | null = null;

async function paint(drawing: Drawing): Promise<Painted> {
  return { sketch: await sketchPicture(drawing), base: basePicture(drawing) };
}

export interface SearchRequest {
  query: Query;
  drawing: Drawing;
  artist: string;
}

async function formOf(request: SearchRequest, cursor: string | null): Promise<FormData> {
  const { query, drawing, artist } = request;
  const form = new FormData();
  for (const [name, value] of Object.entries(searchFields(query, artist, cursor))) {
    form.append(name, value);
  }
  const style = query.styleImage === null ? null : fileOfUrl(query.styleImage.url);
  if (style !== null) form.append("style_image", style, "style");
  if (!query.useSketch) return form;
  if (painted?.drawing !== drawing) painted = { drawing, pictures: paint(drawing) };
  const { sketch, base } = await painted.pictures;
  if (sketch !== null) form.append("sketch", sketch, "sketch.png");
  if (base !== null) form.append("image", base, "base");
  return form;
}

/** One page of results. */
export async function search(
  request: SearchRequest,
  cursor: string | null,
  signal: AbortSignal,
): Promise<SearchPage> {
  const form = await formOf(request, cursor);
  const fields = multipart<Schemas["SearchForm"]>(form);
  return pageOf(body(await api.POST("/api/search/hybrid", { body: fields, signal })));
}

/** References for the search, with roles and reasons. */
export async function suggestReferences(
  request: SearchRequest,
  provider: string,
): Promise<Suggestion[]> {
  const form = await formOf(request, null);
  if (provider !== "") form.set("provider", provider);
  const fields = multipart<Schemas["SuggestForm"]>(form);
  const answer = body(await api.POST("/api/references/suggest", { body: fields }));
  return answer.references.map(suggestionOf);
}
