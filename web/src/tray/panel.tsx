import { Trash2, Undo2 } from "lucide-react";
import { useState } from "react";

import { cn } from "@/lib/classes";
import { useProvider } from "@/make/provider";
import { baseOf } from "@/pad/paint";
import { isSame, MOST_REFERENCES, useReferences } from "@/references/store";
import { Button } from "@/ui/button";
import { useDropZone } from "@/ui/drop-zone";
import { FileButton } from "@/ui/file-button";
import { IconButton } from "@/ui/icon-button";
import { Notice } from "@/ui/states";

import { ReferenceItem } from "./item";
import { Suggest } from "./suggest";

/** Providers need references in less detail than a base. */
const LARGEST_REFERENCE = 1024;

async function addFiles(files: readonly File[]): Promise<void> {
  for (const file of files) {
    const { url } = await baseOf(file, file.name, LARGEST_REFERENCE);
    const { add } = useReferences.getState();
    add({ source: { kind: "own", url }, title: file.name, role: "subject" });
  }
}

/** The references. Results and files are dropped on it. */
export function TrayPanel({ className }: { className?: string }) {
  const references = useReferences((state) => state.references);
  const provider = useProvider();
  const [failure, setFailure] = useState<unknown>(null);
  const addOwn = (files: readonly File[]) => {
    setFailure(null);
    addFiles(files).catch(setFailure);
  };
  const { over, handlers } = useDropZone(({ id, title, licence }) => {
    const source = { kind: "gallery", id } as const;
    const { references: known, add } = useReferences.getState();
    // A reference that is dropped back keeps its role.
    if (!known.some((reference) => isSame(reference.source, source))) {
      add({ source, title, licence });
    }
  }, addOwn);

  return (
    <section
      aria-label="References"
      className={cn(
        "flex min-h-0 flex-col",
        over && "rounded-lg outline-2 -outline-offset-4 outline-blue outline-dashed",
        className,
      )}
      {...handlers}
    >
      <Head most={provider?.max_references} onFiles={addOwn} onFailure={setFailure} />
      {failure !== null && <Notice error={failure} className="mx-3 mb-2" />}
      {references.length === 0 ? (
        <p
          className="mx-3 mb-3 flex min-h-16 flex-1 items-center justify-center rounded-md border
            border-dashed border-edge/60 px-4 text-center text-[0.8125rem] text-balance text-soft
            max-lg:max-h-48"
        >
          Drag results here, or press + on them. Style references give the look, subject references
          give what is shown.
        </p>
      ) : (
        <ul
          aria-label="References in use"
          className="scroll-slim flex min-h-0 flex-1 gap-2 overflow-x-auto px-3 pb-3
            max-lg:flex-col max-lg:overflow-y-auto"
        >
          {references.map((reference) => (
            <ReferenceItem
              key={reference.key}
              reference={reference}
              references={references}
              provider={provider}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

interface HeadProps {
  /** The provider's limit of references. */
  most: number | undefined;
  onFiles: (files: readonly File[]) => void;
  onFailure: (failure: unknown) => void;
}

function Head({ most = MOST_REFERENCES, onFiles, onFailure }: HeadProps) {
  const { references, refused, removed, clear, putBack } = useReferences();
  const { length } = references;
  return (
    <div className="flex h-11 shrink-0 items-center gap-2 px-3">
      <h2 className="font-semibold tracking-tight">References</h2>
      <span className={cn("tabular text-xs", refused ? "text-amber" : "text-soft")} role="status">
        {length === 0 ? "" : `${length} of ${Math.min(MOST_REFERENCES, most)}`}
        {refused && ": remove one first"}
      </span>
      <div className="ml-auto flex items-center gap-0.5">
        <Suggest onFailure={onFailure} />
        <FileButton
          name="Add your own picture"
          label="Reference pictures"
          multiple
          onFiles={onFiles}
        />
        {length > 0 && (
          <IconButton name="Remove all references" tip="Remove all" onClick={clear}>
            <Trash2 />
          </IconButton>
        )}
        {length === 0 && removed.length > 0 && (
          <Button look="ghost" size="small" onClick={putBack}>
            <Undo2 />
            Undo
          </Button>
        )}
      </div>
    </div>
  );
}
