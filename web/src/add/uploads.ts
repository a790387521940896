/** The pictures that are sent to the gallery, in batches. Each batch is a job of the server. */

import { create } from "zustand";

import { api, body, multipart, type Schemas } from "@/api/client";
import { useJobs } from "@/jobs/store";
import { uniqueId } from "@/lib/id";

type UploadForm = Schemas["UploadForm"];
export type RefusedFile = Schemas["RefusedFile"];

/** The server's limit for one request is 64 MB. */
const MOST_BYTES = 48 * 2 ** 20;
const MOST_FILES = 100;

export interface Batch {
  key: string;
  count: number;
  /** The job, once the files have arrived. */
  job: string | null;
  refused: readonly RefusedFile[];
  /** Why none of its files was taken. */
  failure: unknown;
  /** What is sent again if that failed. */
  files: readonly File[];
  tags: string;
}

interface Uploads {
  batches: readonly Batch[];
  /** Sends files, with these tags for all of them. */
  send: (files: readonly File[], tags: string) => Promise<void>;
  /** Sends a batch again. The server takes it once, if the answer was lost only. */
  again: (batch: Batch) => Promise<void>;
}

export const useUploads = create<Uploads>()((set) => {
  const update = (key: string, part: Partial<Batch>) =>
    set(({ batches }) => ({
      batches: batches.map((batch) => (batch.key === key ? { ...batch, ...part } : batch)),
    }));
  const sendBatch = async ({ key, files, tags }: Pick<Batch, "key" | "files" | "tags">) => {
    try {
      const { refused, ...job } = await upload(files, tags, key);
      update(key, { job: job.id, refused, files: [] });
      useJobs.getState().watch(job, false);
    } catch (failure) {
      update(key, { failure });
    }
  };
  return {
    batches: [],
    send: async (files, tags) => {
      const pictures = files.filter(mayBePicture);
      const groups = grouped(pictures).map((group) => ({ key: uniqueId(), group }));
      const begun: Batch[] = groups.map(({ key, group }) => ({
        key,
        count: group.length,
        job: null,
        refused: [],
        failure: null,
        files: group,
        tags,
      }));
      const others = files.filter((file) => !mayBePicture(file));
      if (others.length > 0) begun.push(unsent(others));
      set(({ batches }) => ({ batches: [...begun.toReversed(), ...batches] }));
      for (const { key, group } of groups) await sendBatch({ key, files: group, tags });
    },
    again: async (batch) => {
      update(batch.key, { failure: null });
      await sendBatch(batch);
    },
  };
});

/** Whether the server is asked about a file. It recognises pictures by their content. */
export function mayBePicture({ type }: Pick<File, "type">): boolean {
  return type === "" || type.startsWith("image/");
}

/** Files that are not sent, since they are no pictures. */
function unsent(files: readonly File[]): Batch {
  const refused = files.map(({ name }) => ({ name, reason: "not a picture" }));
  const count = files.length;
  return { key: uniqueId(), count, job: null, refused, failure: null, files: [], tags: "" };
}

/** Parts files into requests that the server accepts. A file that is too large is sent alone. */
export function grouped<F extends { size: number }>(files: readonly F[]): F[][] {
  const groups: F[][] = [];
  let [last, bytes]: [F[], number] = [[], 0];
  for (const file of files) {
    if (last.length > 0 && (last.length >= MOST_FILES || bytes + file.size > MOST_BYTES)) {
      groups.push(last);
      [last, bytes] = [[], 0];
    }
    last.push(file);
    bytes += file.size;
  }
  return last.length > 0 ? [...groups, last] : groups;
}

/** A name that a form can carry: it would write the codes of line breaks and quotes instead. */
export function inOneLine(name: string): string {
  return name.replaceAll(/[\r\n]+/g, " ").replaceAll('"', "'");
}

async function upload(files: readonly File[], tags: string, key: string) {
  const form = new FormData();
  for (const file of files) form.append("files", file, inOneLine(file.name));
  form.append("tags", tags);
  return body(
    await api.POST("/api/pictures", {
      params: { header: { "Idempotency-Key": key } },
      body: multipart<UploadForm>(form),
    }),
  );
}
