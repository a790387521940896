/** The thumbnails of pictures in view, loaded a few at a time. */

import { picturePath } from "@/api/pictures";
import { addressWithTicket } from "@/api/tickets";

const AT_ONCE = 6;
const MOST_KEPT = 400;
const WIDTH = 128;
/** After this time, one that could not be loaded is tried again, in milliseconds. */
const RETRY = 10_000;

export class Thumbnails {
  /** Null while one is loaded. The oldest are first. */
  private readonly known = new Map<string, HTMLImageElement | null>();
  /** When one could not be loaded. */
  private readonly failed = new Map<string, number>();
  private wanted: string[] = [];
  private loading = 0;

  constructor(private readonly onLoad: () => void) {}

  of(id: string): HTMLImageElement | null {
    return this.known.get(id) ?? null;
  }

  /** What is in view now. What was wanted before and is not loaded yet is not needed any more. */
  want(ids: readonly string[]): void {
    const now = Date.now();
    for (const [id, time] of this.failed) if (now - time > RETRY) this.failed.delete(id);
    this.wanted = ids.filter((id) => !this.known.has(id) && !this.failed.has(id));
    while (this.loading < AT_ONCE && this.wanted.length > 0) void this.loadNext();
  }

  private async loadNext(): Promise<void> {
    const id = this.wanted.shift();
    if (id === undefined) return;
    this.loading += 1;
    this.keep(id, null);
    try {
      const image = new Image();
      image.src = await addressWithTicket(picturePath({ id }, WIDTH));
      await image.decode();
      this.keep(id, image);
      this.onLoad();
    } catch {
      // Its dot is shown.
      this.known.delete(id);
      this.failed.set(id, Date.now());
    }
    this.loading -= 1;
    void this.loadNext();
  }

  private keep(id: string, image: HTMLImageElement | null): void {
    this.known.delete(id);
    this.known.set(id, image);
    const [oldest] = this.known.keys();
    if (this.known.size > MOST_KEPT && oldest !== undefined) this.known.delete(oldest);
  }
}
