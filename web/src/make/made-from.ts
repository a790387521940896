/** What made pictures were made from. The server keeps no sketches, so this browser does, by job. */

import { dropPictures, readPictures, writePicture } from "@/documents/keep";
import { answer, transact } from "@/lib/database";
import { fields, text, texts } from "@/lib/json";
import type { Base } from "@/pad/drawing";

import type { Pictures } from "./wish";

/** Of so many jobs. */
const MOST = 200;

export interface MadeFrom {
  /** Data URLs, as they were sent. */
  sketch: string | null;
  base: string | null;
}

/** Keeps what was sent with a job. */
export async function keepMadeFrom(job: string, { sketch }: Pictures, base: Base | null): Promise<void> {
  if (sketch === null && base === null) return;
  await transact(["made", "pictures", "shelf"], "readwrite", async (transaction) => {
    const made = transaction.objectStore("made");
    const pictures = base === null ? [] : [await writePicture(transaction, base)];
    await answer(made.put({ job, at: Date.now(), sketch, pictures }));
    const surplus = (await answer(made.count())) - MOST;
    if (surplus <= 0) return;
    for (const old of await answer<unknown[]>(made.index("at").getAll(null, surplus))) {
      const { job: id, pictures: had } = fields(old);
      await answer(made.delete(id as string));
      await dropPictures(transaction, texts(had));
    }
  });
}

/** What a job's pictures were made from, or null when this browser does not know. */
export async function readMadeFrom(job: string): Promise<MadeFrom | null> {
  return transact(["made", "pictures"], "readonly", async (transaction) => {
    const found: unknown = await answer<unknown>(transaction.objectStore("made").get(job));
    if (found === undefined) return null;
    const { sketch, pictures } = fields(found);
    const [base] = (await readPictures(transaction, texts(pictures))).values();
    return { sketch: text(sketch), base: base?.url ?? null };
  });
}
