/** Failures of a call: the server refused it (problem JSON, RFC 9457), or did not answer. */

import { fields, number, parsed, text } from "@/lib/json";

export class Problem extends Error {
  readonly at = Date.now();

  constructor(
    readonly status: number,
    /** The kind of error, for programs. */
    readonly code: string,
    readonly detail: string,
    readonly title: string,
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
    this.name = "Problem";
  }
}

/** The server did not answer. */
export class Unreachable extends Error {
  readonly at = Date.now();

  constructor(options?: ErrorOptions) {
    super("The server cannot be reached.", options);
    this.name = "Unreachable";
  }
}

/**
 * The failure of a response. A proxy may answer with any body, so it is read field by field, and a
 * missing code is derived from the status.
 */
export function problemOf(status: number, body: string, retryAfter: string | null): Problem {
  const given = fields(parsed(body));
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new Problem(
    number(given["status"]) ?? status,
    text(given["code"]) ?? CODES[status] ?? "unknown",
    text(given["detail"]) ?? `The server answered with status ${status}.`,
    text(given["title"]) ?? "Request failed",
    Number.isFinite(seconds) ? seconds : null,
  );
}

const CODES: Readonly<Record<number, string>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  502: "unavailable",
  503: "unavailable",
  504: "timeout",
};

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Problem && codes.includes(error.code);
}

/** Whether another key may help. */
export function needsKey(error: unknown): boolean {
  return hasCode(error, "unauthorized", "forbidden");
}

/** Whether the call was made without a key that the server knows. */
export function isUnauthorized(error: unknown): boolean {
  return hasCode(error, "unauthorized");
}

export function isNotFound(error: unknown): boolean {
  return hasCode(error, "not_found");
}

/** Whether the request does not fit to what there is now. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, "conflict");
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof Unreachable;
}

/** The message that is shown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "Something went wrong.";
}

/** Whether the same call may succeed if it is repeated without a change. */
export function isTransient(error: unknown): boolean {
  return error instanceof Unreachable || hasCode(error, "unavailable", "overloaded", "timeout");
}
