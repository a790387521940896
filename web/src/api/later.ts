/** Calls that a later server has. Their answers are read with care, since this page's types may be older than the server. */

import { at } from "@/lib/address";
import { fields, list, number, text } from "@/lib/json";
import type { Role } from "@/tray/tray";

import { request } from "./client";
import { facetValues, pictureOf, type FacetValue } from "./pictures";

export async function completedTags(prefix: string, signal: AbortSignal): Promise<FacetValue[]> {
  const address = at("/api/tags");
  address.searchParams.set("prefix", prefix);
  address.searchParams.set("limit", "12");
  const response = await request(new Request(address, { signal }));
  return facetValues(fields(await response.json())["tags"]);
}

export interface Suggestion {
  id: string;
  title: string;
  licence: string | null;
  role: Role;
  weight: number;
  reason: string | null;
}

/** References for the search, with roles and reasons. */
export async function suggestedReferences(form: FormData, provider: string): Promise<Suggestion[]> {
  if (provider !== "") form.set("provider", provider);
  const address = at("/api/references/suggest");
  const response = await request(new Request(address, { method: "POST", body: form }));
  return suggestionsOf(await response.json());
}

export function suggestionsOf(answer: unknown): Suggestion[] {
  return list(fields(answer)["references"]).flatMap((member): Suggestion[] => {
    const given = fields(member);
    if (given["id"] === undefined) return [];
    const { id, title, licence } = pictureOf(given["id"], fields(given["payload"]));
    const role = given["role"] === "subject" ? "subject" : "style";
    return [{ id, title, licence, role, weight: number(given["weight"]) ?? 0.7, reason: text(given["reason"]) }];
  });
}

export async function calibrate(): Promise<number> {
  const address = at("/api/admin/calibrate");
  const response = await request(new Request(address, { method: "POST" }));
  return number(fields(await response.json())["sampled"]) ?? 0;
}
