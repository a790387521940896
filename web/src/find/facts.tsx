import { Check, Copy, ExternalLink } from "lucide-react";
import { useState, type ReactNode } from "react";

import type { Hit } from "@/api/results";
import { Button } from "@/ui/button";

/** What is known of a picture: its licence, where it comes from, its file, and its id. */
export function Facts({ hit: { picture, duplicates } }: { hit: Hit }) {
  const { id, width, height, licence, artist, path, missing } = picture;
  const [folder, file] = partsOf(path);
  return (
    <dl
      aria-label="About the picture"
      className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-[0.8125rem]"
    >
      <Fact name="Licence">{licence ?? "unknown; ask its author before you publish it"}</Fact>
      {artist !== null && <Fact name="Artist">{artist}</Fact>}
      <Fact name="Source">
        <Source {...picture} />
      </Fact>
      {file !== null && <Fact name="File">{file}</Fact>}
      {missing && (
        <Fact name="Missing">
          <span className="text-amber">The file was gone when its folder was scanned last.</span>
        </Fact>
      )}
      {/* A picture that was sent to the server has a folder of its own, named by its id. */}
      {folder !== null && !folder.endsWith(id) && <Fact name="Folder">{folder}</Fact>}
      {width !== null && height !== null && (
        <Fact name="Size">
          <span className="tabular">
            {width} × {height}
          </span>
        </Fact>
      )}
      {duplicates > 0 && <Fact name="Look-alikes">{duplicates} left out</Fact>}
      <Fact name="Id">
        <Id id={id} />
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}

/** The folder and the name of a file; null where there is none. */
export function partsOf(path: string | null): [folder: string | null, file: string | null] {
  if (path === null) return [null, null];
  const end = path.lastIndexOf("/");
  return [path.slice(0, Math.max(0, end)) || null, path.slice(end + 1) || null];
}

function Source({ source, site }: { source: string | null; site: string | null }) {
  if (source === null) return site ?? "unknown";
  return (
    <a
      href={source}
      target="_blank"
      rel="noreferrer"
      className="inline-flex items-center gap-1 text-blue underline-offset-4 hover:underline"
    >
      {site ?? new URL(source).hostname}
      <ExternalLink className="size-3.5" />
    </a>
  );
}

/** The id, for calls of the API. Without HTTPS, browsers copy only for pages of their machine. */
function Id({ id }: { id: string }) {
  const [copied, setCopied] = useState(false);
  const clipboard = "clipboard" in navigator ? navigator.clipboard : null;
  const copy = () => {
    clipboard?.writeText(id).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <span className="flex items-center gap-1">
      <code className="min-w-0 text-xs break-all select-all">{id}</code>
      {clipboard !== null && (
        <Button
          look="ghost"
          size="icon-tiny"
          className="-my-1"
          aria-label={copied ? "Copied" : "Copy the id"}
          onClick={copy}
        >
          {copied ? <Check className="text-green" /> : <Copy />}
        </Button>
      )}
    </span>
  );
}
