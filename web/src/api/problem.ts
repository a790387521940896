/** What can go wrong with a call: the server said no (problem JSON, RFC 9457), or nobody answered. */

import { fields, number, parsed, text } from "@/lib/json";

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly title: string,
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
    this.name = "Problem";
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  constructor(options?: ErrorOptions) {
    super("The server cannot be reached.", options);
    this.name = "Unreachable";
  }
}

export function problemOf(status: number, body: string, retryAfter: string | null): Problem {
  const given = fields(parsed(body));
  const wait = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new Problem(
    number(given["status"]) ?? status,
    text(given["code"]) ?? "unknown",
    text(given["detail"]) ?? `The server answered ${status}.`,
    text(given["title"]) ?? "It did not work",
    Number.isFinite(wait) ? wait : null,
  );
}

export function needsKey(error: unknown): boolean {
  return error instanceof Problem && (error.status === 401 || error.status === 403);
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof Unreachable;
}

/** What a person is told. */
export function told(error: unknown): string {
  if (error instanceof Problem || error instanceof Unreachable) return error.message;
  return error instanceof Error ? error.message : "Something went wrong.";
}

/** Whether asking the same again by itself may help. */
export function worthRetrying(error: unknown): boolean {
  if (error instanceof Problem) return error.status === 503 || error.status === 504;
  return error instanceof Unreachable;
}
