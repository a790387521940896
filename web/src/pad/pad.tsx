import { lazy, Suspense, useEffect, useState, type DragEvent, type ReactNode } from "react";

import { picturePath } from "@/api/pictures";
import { cn } from "@/lib/classes";
import { later } from "@/lib/later";
import { draggedPicture, isPictureDrag, pictureFiles } from "@/ui/drag";
import { hasFolder } from "@/ui/dropped-files";
import { Notice } from "@/ui/states";

import { loadBase, loadBaseFrom } from "./load";
import { usePad } from "./store";

const Paper = lazy(() => later(() => import("./paper")));
const PadZoom = lazy(async () => ({
  default: (await later(() => import("./zoom"))).PadZoom,
}));
// The paper is needed first.
const Toolbar = lazy(async () => ({
  default: (await later(() => import("./toolbar"))).Toolbar,
}));

/** Many systems do not know that a PSD is a picture. */
function psdOf(transfer: DataTransfer): File | undefined {
  return Array.from(transfer.files).find(({ name }) => /\.psd$/i.test(name));
}

interface PadProps {
  /** What is above the tools. */
  bar: ReactNode;
  className?: string;
}

/** The drawing with its tools. Pictures are pasted and dropped as its base. */
export function Pad({ bar, className }: PadProps) {
  const [over, setOver] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const ready = usePad((state) => state.ready);
  const empty = usePad(
    ({ history }) => history.present.strokes.length === 0 && history.present.base === null,
  );

  const load = (loading: Promise<void>) => {
    setFailure(null);
    loading.catch(setFailure);
  };

  useEffect(() => {
    const pasted = (event: ClipboardEvent) => {
      const [file] = pictureFiles(event.clipboardData);
      if (file === undefined) return;
      event.preventDefault();
      setFailure(null);
      loadBase(file, file.name || "pasted picture").catch(setFailure);
    };
    window.addEventListener("paste", pasted);
    return () => window.removeEventListener("paste", pasted);
  }, []);

  const dropped = (event: DragEvent) => {
    setOver(false);
    // The page adds folders to the gallery.
    if (hasFolder(event.dataTransfer)) return;
    event.preventDefault();
    const picture = draggedPicture(event);
    const file = pictureFiles(event.dataTransfer)[0] ?? psdOf(event.dataTransfer);
    if (picture !== null) load(loadBaseFrom(picturePath({ id: picture.id }), picture.title));
    else if (file !== undefined) load(loadBase(file, file.name));
    else setFailure(new Error("Only pictures can be dropped on the pad."));
  };

  return (
    <section data-pad aria-label="Sketch" className={cn("flex min-h-0 flex-col", className)}>
      {bar}
      <Suspense fallback={<div className="h-12 max-sm:h-[5.25rem] landscape-phone:h-10" />}>
        <Toolbar onFile={(file) => load(loadBase(file, file.name))} />
      </Suspense>
      {failure !== null && <Notice error={failure} className="mx-3 mb-2" />}
      <div
        className={cn(
          "relative min-h-0 flex-1 bg-well p-4 max-lg:p-3 lg:rounded-b-lg landscape-phone:p-1.5",
          over && "rounded-lg outline-2 -outline-offset-4 outline-blue outline-dashed",
        )}
        onDragOver={(event) => {
          if (!isPictureDrag(event)) return;
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={dropped}
      >
        {ready && (
          <Suspense
            fallback={
              <p className="flex size-full items-center justify-center text-soft" role="status">
                Loading the paper…
              </p>
            }
          >
            <Paper />
          </Suspense>
        )}
        <Suspense fallback={null}>
          <PadZoom />
        </Suspense>
        {ready && empty && (
          <p
            aria-hidden
            className="pointer-events-none absolute inset-0 flex flex-col items-center
              justify-center gap-1 text-center text-balance text-[#5f5f5f]"
          >
            <span className="text-[0.9375rem] font-medium text-[#333]">Draw here</span>
            <span className="text-[0.8125rem] landscape-phone:max-w-36">
              or paste or drop a picture; results follow each stroke
            </span>
          </p>
        )}
      </div>
    </section>
  );
}
