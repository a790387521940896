import { useEffect, useState, type ReactNode } from "react";

import { messageOf } from "@/api/problem";
import { queryClient } from "@/api/query-client";
import { bulkResultOf } from "@/jobs/results";
import { useJobs } from "@/jobs/store";
import { fractionOf, isOver } from "@/jobs/view";
import { cn } from "@/lib/classes";
import { plural } from "@/lib/format";
import { Field, Input } from "@/ui/controls";
import { pictureFiles } from "@/ui/drag";
import { useDropZone } from "@/ui/drop-zone";
import { FileButton } from "@/ui/file-button";
import { Dialog } from "@/ui/overlays";
import { ProgressBar } from "@/ui/states";

import { useUploads, type Batch } from "./uploads";

/** Adds the user's own pictures to the gallery: dropped, pasted or chosen. */
export function AddPicturesDialog({ onClose }: { onClose: () => void }) {
  const [tags, setTags] = useState("");
  const { batches, send } = useUploads();
  const take = (files: readonly File[]) => {
    if (files.length > 0) void send(files, tags);
  };
  const { over, handlers } = useDropZone(() => undefined, take);
  usePaste(take);
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add pictures"
      description="They are stored on the server, and found by drawings, by words and by style."
    >
      <div className="flex flex-col gap-4">
        <Field
          label="Tags for all of them"
          htmlFor="upload-tags"
          hint="Separated by commas. The words of the file names are searched, too."
        >
          <Input
            id="upload-tags"
            value={tags}
            placeholder="fox, ink, sketchbook"
            onChange={(event) => setTags(event.target.value)}
          />
        </Field>
        <div
          role="group"
          aria-label="Drop pictures here"
          {...handlers}
          className={cn(
            "flex min-h-32 flex-col items-center justify-center gap-2 rounded-md border",
            "border-dashed border-edge/60 px-4 text-center text-[0.8125rem] text-soft",
            over && "border-blue bg-blue-soft text-ink",
          )}
        >
          <FileButton name="Choose pictures" label="Pictures to add" multiple onFiles={take} />
          <p className="text-balance">Drop pictures here, paste one, or choose files.</p>
        </div>
        {batches.length > 0 && (
          <ul aria-label="Added pictures" className="flex flex-col gap-3">
            {batches.map((batch) => (
              <BatchItem key={batch.key} batch={batch} />
            ))}
          </ul>
        )}
      </div>
    </Dialog>
  );
}

/** Takes pasted pictures while the dialog is open. */
function usePaste(take: (files: readonly File[]) => void): void {
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const files = pictureFiles(event.clipboardData);
      if (files.length === 0) return;
      event.preventDefault();
      event.stopPropagation();
      take(files);
    };
    // Before the drawing takes it.
    window.addEventListener("paste", onPaste, { capture: true });
    return () => window.removeEventListener("paste", onPaste, { capture: true });
  });
}

/** One batch: how far it is, and the files that were not taken. */
function BatchItem({ batch }: { batch: Batch }) {
  const view = useJobs(({ views }) => (batch.job === null ? undefined : views[batch.job]));
  const over = view !== undefined && isOver(view.job);
  useEffect(() => {
    // The next search finds them, and so do the lists of tags and styles.
    if (over) void queryClient.invalidateQueries();
  }, [over]);
  if (batch.failure !== null) {
    return <Item title={plural(batch.count, "picture")}>{messageOf(batch.failure)}</Item>;
  }
  return (
    <Item title={plural(batch.count - batch.refused.length, "picture")}>
      <span role="status">{view === undefined ? "Sending…" : stateOf(view.job)}</span>
      {view !== undefined && !over && (
        <ProgressBar fraction={fractionOf(view.job)} label="Progress of the added pictures" />
      )}
      {batch.refused.map(({ name, reason }) => (
        <span key={name} className="text-ruby">
          {name}: {reason}
        </span>
      ))}
    </Item>
  );
}

function Item({ title, children }: { title: string; children: ReactNode }) {
  return (
    <li className="flex flex-col gap-1 text-[0.8125rem]">
      <span className="font-medium">{title}</span>
      <span className="flex flex-col gap-1 text-soft">{children}</span>
    </li>
  );
}

function stateOf(job: Parameters<typeof isOver>[0] & Parameters<typeof bulkResultOf>[0]): string {
  if (!isOver(job)) return "Adding…";
  if (job.state !== "succeeded") return "Not added: the job failed. The Admin page says why.";
  const failed = bulkResultOf(job)?.totals.failed ?? 0;
  return failed === 0
    ? "Added. Searches find them now."
    : `Added, but ${plural(failed, "picture")} could not be read.`;
}
