/** The inputs of generations, by job. Only this browser stores the sketches. */

import { dropPictures, readPictures, writePicture } from "@/documents/keep";
import { answer, transact } from "@/lib/database";
import { fields, text, texts } from "@/lib/json";
import type { Base } from "@/pad/drawing";

import type { Pictures } from "./wish";

const MOST_JOBS = 200;

export interface MadeFrom {
  /** Data URLs, as they were sent. */
  sketch: string | null;
  base: string | null;
}

/** Stores the inputs that were sent with a job. */
export async function keepMadeFrom(
  job: string,
  { sketch }: Pictures,
  base: Base | null,
): Promise<void> {
  if (sketch === null && base === null) return;
  await transact(["made", "pictures", "shelf"], "readwrite", async (transaction) => {
    const made = transaction.objectStore("made");
    const pictures = base === null ? [] : [await writePicture(transaction, base)];
    await answer(made.put({ job, at: Date.now(), sketch, pictures }));
    const surplus = (await answer(made.count())) - MOST_JOBS;
    if (surplus <= 0) return;
    for (const old of await answer<unknown[]>(made.index("at").getAll(null, surplus))) {
      const { job: id, pictures: had } = fields(old);
      await answer(made.delete(id as string));
      await dropPictures(transaction, texts(had));
    }
  });
}

/** The inputs of a job, or null if this browser has not stored them. */
export async function readMadeFrom(job: string): Promise<MadeFrom | null> {
  return transact(["made", "pictures"], "readonly", async (transaction) => {
    const found: unknown = await answer<unknown>(transaction.objectStore("made").get(job));
    if (found === undefined) return null;
    const { sketch, pictures } = fields(found);
    const [base] = (await readPictures(transaction, texts(pictures))).values();
    return { sketch: text(sketch), base: base?.url ?? null };
  });
}
