import { X } from "lucide-react";
import { useState, type ClipboardEvent, type ReactNode } from "react";

import { picturePath } from "@/api/pictures";
import { cn } from "@/lib/classes";
import { words } from "@/lib/format";
import { baseOf } from "@/pad/paint";
import { pictureFiles } from "@/ui/drag";
import { useDropZone } from "@/ui/drop-zone";
import { FileButton } from "@/ui/file-button";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { toggleLike, useQueryState } from "./query-state";

/** Style pictures are scaled down to this many pixels; the model sees less detail than that. */
const LARGEST_STYLE = 320;

/**
 * Lets the user choose the pictures whose style the results should have. Results and files can be
 * dropped, a file can be chosen, and a picture can be pasted while the slot's button has the focus.
 */
export function StyleSlot() {
  const { styles, styleImage, set } = useQueryState();
  const [failure, setFailure] = useState<unknown>(null);
  const isEmpty = styles.length === 0 && styleImage === null;

  const takeFiles = (files: readonly File[]) => {
    const [file] = files;
    if (file === undefined) return;
    setFailure(null);
    baseOf(file, file.name, LARGEST_STYLE).then(
      ({ url }) => set({ styleImage: { url, title: file.name } }),
      setFailure,
    );
  };
  const { over, handlers } = useDropZone((picture) => {
    if (!styles.some(({ id }) => id === picture.id)) set({ styles: toggleLike(styles, picture) });
  }, takeFiles);
  const onPaste = (event: ClipboardEvent) => {
    const files = pictureFiles(event.clipboardData);
    if (files.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    takeFiles(files);
  };

  return (
    <div
      role="group"
      aria-label="In the style of"
      onPaste={onPaste}
      {...handlers}
      className={cn(
        "flex flex-wrap items-center gap-2 rounded-md border border-dashed border-transparent",
        isEmpty && "border-edge/60 px-2",
        over && "border-blue bg-blue-soft",
      )}
    >
      <span className="label-caps">In the style of</span>
      {isEmpty && (
        <span className="text-xs text-soft">drop a result or a file, or paste a picture</span>
      )}
      {styles.map(({ id, title }) => (
        <StyleChip
          key={id}
          title={words(title)}
          onRemove={() => set({ styles: styles.filter((style) => style.id !== id) })}
        >
          <Picture
            path={picturePath({ id }, 64)}
            alt=""
            className="size-8 rounded-l-md object-cover"
          />
        </StyleChip>
      ))}
      {styleImage !== null && (
        <StyleChip title={styleImage.title} onRemove={() => set({ styleImage: null })}>
          <img src={styleImage.url} alt="" className="size-8 rounded-l-md object-cover" />
        </StyleChip>
      )}
      <span className="ml-auto">
        <FileButton
          name="Choose a picture for the style"
          label="Style picture"
          onFiles={takeFiles}
        />
      </span>
      {failure !== null && <Notice error={failure} className="w-full" />}
    </div>
  );
}

interface StyleChipProps {
  title: string;
  onRemove: () => void;
  children: ReactNode;
}

function StyleChip({ title, onRemove, children }: StyleChipProps) {
  return (
    <span
      className="inline-flex max-w-48 items-center gap-1.5 rounded-md bg-blue-soft pr-1 text-xs
        text-blue"
    >
      {children}
      <span dir="auto" className="truncate">
        {title}
      </span>
      <button
        type="button"
        aria-label={`Remove ${title} from the styles`}
        className="p-1"
        onClick={onRemove}
      >
        <X className="size-3.5" />
      </button>
    </span>
  );
}
