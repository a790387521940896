// Calls of the API: the key, the artist's id, problem JSON, and retries when the server is busy.

const KEY = "clippy.key";
const USER = "clippy.user";

export class ApiError extends Error {
  constructor(problem, status) {
    super(problem.detail ?? `The server answered ${status}.`);
    this.title = problem.title ?? "Something went wrong";
    this.code = problem.code;
    this.status = status;
    this.errorId = problem.error_id;
  }
}

// Storage may be disabled; then values are kept until the page is closed.
const memory = new Map();
function recall(name) {
  try { return localStorage.getItem(name) ?? memory.get(name) ?? null; } catch { return memory.get(name) ?? null; }
}
function keep(name, value) {
  memory.set(name, value);
  try { localStorage.setItem(name, value); } catch { /* see above */ }
}

/** A random name for the artist of this browser. */
export function userId() {
  let user = recall(USER);
  if (!user) {
    // randomUUID exists on secure pages only.
    user = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    keep(USER, user);
  }
  return user;
}

export function setKey(key) {
  keep(KEY, key.trim());
  held = null;
}

// An <img> cannot send headers, and a key in a URL would be stored in logs and histories. So URLs
// have a ticket instead, which is valid for pictures and streams only, and for some minutes.
let held = null;
const EARLY = 120_000;

/** Requests a ticket if a key is set and the last ticket expires soon. */
export async function freshTicket() {
  if (!recall(KEY) || (held && held.until - Date.now() > EARLY)) return;
  const { ticket, expires_in: seconds } = await call("api/tickets", { method: "POST" });
  held = { ticket, until: Date.now() + seconds * 1000 };
}

/** A picture's id as text, read from its URL, since ids may be too large for JavaScript's numbers. */
export function idOf({ id, payload }) {
  const [, named] = /^\/(?:[^?#]*\/)?image\/([^/?#]+)/.exec(payload?.image_url ?? "") ?? [];
  return named ? decodeURIComponent(named) : String(id);
}

/** The URL of a result in the version of the search, or of an id, which browsers revalidate. */
export function imageUrl(hit, width) {
  const base = new URL(".", document.baseURI);
  const named = hit.payload?.image_url;
  const path = typeof named === "string" && /^\/(?!\/)/.test(named) ? named : `/api/image/${encodeURIComponent(idOf(hit))}`;
  const url = new URL(base.pathname !== "/" && path.startsWith(base.pathname) ? path.slice(base.pathname.length) : path.slice(1), base);
  if (width) url.searchParams.set("w", width);
  if (held) url.searchParams.set("ticket", held.ticket);
  return url.href;
}

async function call(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = recall(KEY);
  if (key) headers.set("X-Api-Key", key);
  const response = await fetch(new URL(path, document.baseURI), { ...options, headers });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  const error = new ApiError(problem, response.status);
  error.retryAfter = Number(response.headers.get("Retry-After")) || 1;
  throw error;
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}

/** A page of results for these form fields. A call to a busy server is retried a few times. */
export async function search(fields, cursor, signal, busy) {
  // The pictures of the results need a ticket.
  await freshTicket();
  for (let attempt = 1; ; attempt += 1) {
    const form = new FormData();
    for (const [name, value, file] of fields) file ? form.append(name, value, file) : form.append(name, value);
    if (cursor) form.append("cursor", cursor);
    try {
      return await call("api/search/hybrid", { method: "POST", body: form, signal });
    } catch (error) {
      if (error.status !== 503 || attempt >= 4) throw error;
      busy();
      await pause(error.retryAfter, signal);
    }
  }
}

/** The preparation in progress, or null. */
export async function preparing() { return (await call("api/preparing")).preparing; }

export function facets(limit) { return call(`api/facets?field=matched_tags&limit=${limit}`); }

export function feedback(id, action) {
  const body = JSON.stringify({ user_id: userId(), image_id: String(id), action });
  return call("api/feedback", { method: "POST", body, headers: { "Content-Type": "application/json" }, keepalive: true });
}
