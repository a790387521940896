/** Calls to the server. Their types are generated from its OpenAPI document. */

import createClient from "openapi-fetch";

import { at, serverPath } from "@/lib/address";
import { keyFor, useSession } from "@/state/session";

import { Problem, problemOf, Unreachable } from "./problem";
import { noteLost } from "./reachability";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Collection = Schemas["CollectionResponse"];
export type FacetValue = Schemas["FacetValue"];
export type GenerateBody = Schemas["GenerateBody"];
export type Job = Schemas["JobResponse"];
export type JobState = Schemas["JobStateName"];
export type Provider = Schemas["ProviderResponse"];
export type Queue = Schemas["QueueResponse"];
export type Receipt = Schemas["ReceiptResponse"];
export type ReceiptLine = Schemas["ReceiptLineResponse"];
export type Support = Schemas["SupportName"];
export type WatchedFolder = Schemas["WatchedFolderResponse"];
export type Treatment = Schemas["TreatmentName"];

/** `fetch` with the key; failures are thrown. */
export async function request(input: Request): Promise<Response> {
  const key = keyFor(serverPath(new URL(input.url)), useSession.getState());
  if (key !== "" && !input.headers.has("authorization")) {
    input.headers.set("authorization", `Bearer ${key}`);
  }
  let response: Response;
  try {
    response = await fetch(input);
  } catch (cause) {
    const aborted = cause instanceof DOMException && cause.name === "AbortError";
    if (input.signal.aborted || aborted) throw cause;
    noteLost();
    throw new Unreachable({ cause });
  }
  if (!response.ok) {
    throw problemOf(response.status, await response.text(), response.headers.get("retry-after"));
  }
  return response;
}

export const api = createClient<paths>({
  baseUrl: at("/").href.replace(/\/$/, ""),
  fetch: request,
});

/** The body of a successful answer. Failures were thrown before. */
export function body<T>(answer: { data?: T }): T {
  if (answer.data === undefined) {
    throw new Problem(0, "empty", "The server sent an empty answer.", "No answer");
  }
  return answer.data;
}

/**
 * A multipart form as the typed body of a call. The document describes a form by its fields, and
 * `openapi-fetch` sends a `FormData` as it is.
 */
export function multipart<T>(form: FormData): T {
  return form as unknown as T;
}
