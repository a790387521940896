/** The results of jobs. */

import type { Job, Schemas } from "@/api/client";
import { withParameter } from "@/lib/address";

type Result = Schemas["JobResult"];
type Generation = Schemas["GenerationResult"];
type Bulk = Schemas["BulkResult"];

function isGeneration(result: Result): result is Generation {
  return "images" in result;
}

function isBulk(result: Result): result is Bulk {
  return "totals" in result;
}

/** The result of a generation that is over, or null. */
export function generationOf({ result }: Pick<Job, "result">): Generation | null {
  return result != null && isGeneration(result) ? result : null;
}

/** The account of bulk work that is over, or null. */
export function bulkResultOf({ result }: Pick<Job, "result">): Bulk | null {
  return result != null && isBulk(result) ? result : null;
}

/** The folders of pictures that were sent to the server: of no use to readers. */
const SENT = /DATA_DIR\/pictures\/[0-9a-f]{2}\/[0-9a-f-]{36}\//g;

/** A message of a job, with the plain names of files that were sent to the server. */
export function plainly(message: string): string {
  return message.replaceAll(SENT, "");
}

/** A picture of a job, with its version in the path. */
export type MadePicture = Schemas["GeneratedPicture"];

/** Only paths of this server are accepted. */
const PATH = /^\/(?!\/)(?:[^?#]*\/)?api\/jobs\//;

export function picturesOf(job: Pick<Job, "result">): MadePicture[] {
  const images = generationOf(job)?.images ?? [];
  return images
    .filter(({ url }) => PATH.test(url))
    .map((image) => ({ ...image, url: withParameter(image.url, "v", image.sha256.slice(0, 16)) }));
}

/** The prompt as it was sent to the provider, once that is known. */
export function promptOf(job: Pick<Job, "result">): string | null {
  return generationOf(job)?.meta.constructed_prompt || null;
}
