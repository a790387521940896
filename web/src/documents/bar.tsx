import { FilePlus2, FolderOpen, TriangleAlert, X } from "lucide-react";
import { lazy, Suspense, useState } from "react";

import { later } from "@/lib/later";
import { IconButton } from "@/ui/icon-button";

import { useDocument } from "./current";

const Drawings = lazy(() => later(() => import("./drawings")));

/** The name of the drawing, and buttons for other drawings. */
export function DocumentBar() {
  const { id, name, fault, notice, rename, begin, dismiss } = useDocument();
  const [open, setOpen] = useState(false);
  return (
    <>
      <div
        className="flex h-10 shrink-0 items-center gap-1 border-b pr-2.5 pl-3
          landscape-phone:h-8"
      >
        <input
          key={`${id} ${name}`}
          aria-label="Name of the drawing"
          dir="auto"
          defaultValue={name}
          maxLength={80}
          spellCheck={false}
          onBlur={(event) => {
            rename(event.target.value);
            if (event.target.value.trim() === "") event.target.value = name;
          }}
          onKeyDown={(event) =>
            (event.key === "Enter" || event.key === "Escape") && event.currentTarget.blur()
          }
          className="h-7 min-w-0 flex-1 truncate rounded-sm bg-transparent px-1 font-semibold
            tracking-tight hover:bg-well focus-visible:bg-raised focus-visible:outline-1
            focus-visible:outline-offset-0"
        />
        <IconButton name="New drawing" onClick={() => void begin()}>
          <FilePlus2 />
        </IconButton>
        <IconButton name="Your drawings" onClick={() => setOpen(true)}>
          <FolderOpen />
        </IconButton>
      </div>
      {fault !== null && (
        <p
          role="alert"
          className="flex items-start gap-2 bg-ruby-soft px-3 py-1.5 text-xs text-ruby"
        >
          <TriangleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          <span>
            The drawing cannot be stored in this browser, and is lost when the page is closed.{" "}
            {fault}
          </span>
        </p>
      )}
      {notice !== null && (
        <p
          role="status"
          className="flex items-center gap-2 bg-blue-soft px-3 py-1 text-xs text-blue"
        >
          <span className="min-w-0 flex-1">{notice}</span>
          <button
            type="button"
            aria-label="Close the notice"
            className="rounded-sm p-1"
            onClick={dismiss}
          >
            <X className="size-3.5" />
          </button>
        </p>
      )}
      {open && (
        <Suspense fallback={null}>
          <Drawings onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
