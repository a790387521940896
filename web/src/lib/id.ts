/** A name that nobody else has. `crypto.randomUUID` is there on secure pages only, and a studio's network is none. */
export function uniqueId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
