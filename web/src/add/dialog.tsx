import { useEffect, useState, type ReactNode } from "react";

import type { Job } from "@/api/client";
import { messageOf } from "@/api/problem";
import { bulkResultOf, plainly } from "@/jobs/results";
import { useJobs } from "@/jobs/store";
import { fractionOf, isOver } from "@/jobs/view";
import { cn } from "@/lib/classes";
import { count, plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/controls";
import { pictureFiles } from "@/ui/drag";
import { useDropZone } from "@/ui/drop-zone";
import { droppedFiles, MOST_DROPPED, type Dropped } from "@/ui/dropped-files";
import { FileButton } from "@/ui/file-button";
import { Dialog } from "@/ui/overlays";
import { ProgressBar } from "@/ui/states";

import { useUploads, type Batch, type RefusedFile } from "./uploads";

interface AddPicturesDialogProps {
  /** What was dropped on the page, to be added after a look at the tags. */
  dropped: Dropped | null;
  onClose: () => void;
}

/** Adds the user's own pictures to the gallery: dropped, pasted or chosen. */
export function AddPicturesDialog({ dropped, onClose }: AddPicturesDialogProps) {
  const [tags, setTags] = useState("");
  const [waiting, setWaiting] = useState(dropped);
  const [seen, setSeen] = useState(dropped);
  if (dropped !== seen) {
    setSeen(dropped);
    setWaiting(dropped);
  }
  const [left, setLeft] = useState<Dropped | null>(null);
  const { batches, send } = useUploads();
  const take = (files: readonly File[]) => {
    if (files.length > 0) void send(files, tags);
  };
  const takeDropped = (given: Dropped) => {
    setLeft(given);
    setWaiting(null);
    take(given.files);
  };
  const { over, handlers } = useDropZone(
    () => undefined,
    take,
    (transfer) => void droppedFiles(transfer).then(takeDropped),
  );
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
          <FileButton
            named
            name="Choose pictures"
            label="Pictures to add"
            multiple
            onFiles={take}
          />
          <p className="text-balance [@media(hover:none)]:hidden">
            or drop them or a folder here, or paste one
          </p>
          <p className="text-balance [@media(hover:hover)]:hidden">or take one with the camera</p>
        </div>
        {waiting !== null && (
          <div className="flex flex-wrap items-center gap-3">
            <Button look="solid" onClick={() => takeDropped(waiting)}>
              Add {plural(waiting.files.length, "picture")}
            </Button>
            <LeftOut dropped={waiting} />
          </div>
        )}
        {left !== null && <LeftOut dropped={left} />}
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

/** What of a drop is not added, and why. */
function LeftOut({ dropped: { others, unreadable, more } }: { dropped: Dropped }) {
  const tooMany = `only the first ${count(MOST_DROPPED)} are taken; an admin adds larger folders`;
  const parts = [
    ...(more ? [tooMany] : []),
    ...(others > 0 ? [`${plural(others, "file")} of the folder left out: no pictures`] : []),
    ...(unreadable.length > 0 ? [`could not be read: ${unreadable.slice(0, 5).join(", ")}`] : []),
  ];
  if (parts.length === 0) return null;
  return (
    <p role="status" className="min-w-0 text-[0.8125rem] break-words text-soft">
      {parts.join("; ")}
    </p>
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

/** One batch: how far it is, and the files that were not added, with the reasons. */
function BatchItem({ batch }: { batch: Batch }) {
  const job = useJobs(({ views }) => (batch.job === null ? undefined : views[batch.job]?.job));
  const again = useUploads((uploads) => uploads.again);
  const added = batch.count - batch.refused.length;
  const { refused } = batch;
  if (added === 0) {
    return (
      <Item title={plural(batch.count, "file")}>
        <span role="status">Not added.</span>
        <Refused files={refused} />
      </Item>
    );
  }
  if (batch.failure !== null) {
    return (
      <Item title={plural(batch.count, "picture")}>
        <span role="status">Not added.</span>
        <span className="text-ruby">{messageOf(batch.failure)}</span>
        <Button size="small" className="self-start" onClick={() => void again(batch)}>
          Try again
        </Button>
      </Item>
    );
  }
  return (
    <Item title={plural(added, "picture")}>
      <span role="status">{job === undefined ? "Sending…" : stateOf(job)}</span>
      {job !== undefined && !isOver(job) && (
        <ProgressBar fraction={fractionOf(job)} label="Progress of the added pictures" />
      )}
      {refused.length > 0 && <span>{plural(refused.length, "file")} not added:</span>}
      <Refused files={refused} />
      {job !== undefined && <Failed job={job} />}
    </Item>
  );
}

/** Files that the job could not add. Their reasons begin with their names. */
function Failed({ job }: { job: Job }) {
  if (job.state === "failed")
    return <span className="text-ruby">{plainly(job.error?.message ?? "")}</span>;
  const result = bulkResultOf(job);
  if (result === null || result.totals.failed === 0) return null;
  const unnamed = result.totals.failed - result.failures.length;
  return (
    <>
      {result.failures.map((failed) => (
        <span key={failed.line} className="break-words text-ruby">
          {plainly(failed.reason)}
        </span>
      ))}
      {unnamed > 0 && <span className="text-ruby">and {plural(unnamed, "further file")}</span>}
    </>
  );
}

function Refused({ files }: { files: readonly RefusedFile[] }) {
  return files.map(({ name, reason }, index) => (
    <span key={`${name}-${index}`} className="break-words text-ruby">
      {name}: {reason}
    </span>
  ));
}

function Item({ title, children }: { title: string; children: ReactNode }) {
  return (
    <li className="flex min-w-0 flex-col gap-1 text-[0.8125rem]">
      <span className="font-medium">{title}</span>
      <span className="flex min-w-0 flex-col gap-1 text-soft">{children}</span>
    </li>
  );
}

function stateOf(job: Job): string {
  if (!isOver(job)) return "Adding…";
  if (job.state === "failed") return "Not added.";
  if (job.state === "cancelled") return "Cancelled. Some of them may have been added.";
  const result = bulkResultOf(job);
  const failed = result?.totals.failed ?? 0;
  if (failed > 0) return `Added, but ${plural(failed, "file")} could not be read:`;
  const { files = 0, unchanged = 0, duplicates = 0 } = result?.scan ?? {};
  const known = unchanged + duplicates;
  if (known === 0) return "Added. Searches find them now.";
  if (known >= files) return "Nothing added: the gallery has them already.";
  return `Added, except for ${plural(known, "picture")} that the gallery has already.`;
}
