/** Calls to the server, with types that are made from its OpenAPI document. */

import createClient from "openapi-fetch";

import { at, serverPath } from "@/lib/address";
import { keyFor, useSession } from "@/state/session";

import { Problem, problemOf, Unreachable } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Job = Schemas["JobResponse"];
export type Queue = Schemas["QueueResponse"];
export type Collection = Schemas["CollectionResponse"];
export type GenerateBody = Schemas["GenerateBody"];

/** `fetch` with the key, and with failures as exceptions. */
export async function request(input: Request): Promise<Response> {
  const key = keyFor(serverPath(new URL(input.url)), useSession.getState());
  if (key !== "" && !input.headers.has("authorization")) input.headers.set("authorization", `Bearer ${key}`);
  let response: Response;
  try {
    response = await fetch(input);
  } catch (cause) {
    if (input.signal.aborted || (cause instanceof DOMException && cause.name === "AbortError")) throw cause;
    throw new Unreachable({ cause });
  }
  if (!response.ok) throw problemOf(response.status, await response.text(), response.headers.get("retry-after"));
  return response;
}

export const api = createClient<paths>({ baseUrl: at("/").href.replace(/\/$/, ""), fetch: request });

/** The body of an answer that has one: failures were thrown before. */
export function body<T>(answer: { data?: T }): T {
  if (answer.data === undefined) throw new Problem(0, "empty", "The server's answer was empty.", "No answer");
  return answer.data;
}
