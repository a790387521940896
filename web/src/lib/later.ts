/** Parts of the page that are loaded after its first load. */

const SHORTEST = 500;
const LONGEST = 10_000;

/**
 * Loads a part, again and again until it is there: a server that restarts, or a connection that was
 * lost for a moment, must not leave the page without one.
 */
export async function later<T>(load: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await load();
    } catch {
      const pause = Math.min(LONGEST, SHORTEST * 2 ** attempt);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
