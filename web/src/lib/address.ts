/** Addresses of this server. All are relative to the page, which may be below a sub-path. */

/** The folder of the page: `/`, or the sub-path with a slash at its end. */
export function basePath(): string {
  return new URL(".", document.baseURI).pathname;
}

/**
 * The full address of a path of the server, such as `/api/jobs`. The sub-path is added, unless the
 * path has it already.
 */
export function at(path: string): URL {
  const base = basePath();
  const inside =
    base !== "/" && path.startsWith(base) ? path.slice(base.length) : path.replace(/^\/+/, "");
  return new URL(inside, new URL(".", document.baseURI));
}

/** The same without the host, for `src` and `href`. */
export function place(path: string): string {
  const { pathname, search } = at(path);
  return pathname + search;
}

/** The path of an address without the sub-path. */
export function serverPath({ pathname }: URL): string {
  const base = basePath();
  return pathname.startsWith(base) ? `/${pathname.slice(base.length)}` : pathname;
}

/** A path with one more parameter. */
export function withParameter(path: string, name: string, value: string): string {
  return `${path}${path.includes("?") ? "&" : "?"}${name}=${encodeURIComponent(value)}`;
}
