import { ImagePlus } from "lucide-react";
import { useRef } from "react";

import { IconButton } from "./icon-button";

interface FileButtonProps {
  /** What the button does. */
  name: string;
  /** The name of the file field. */
  label: string;
  multiple?: boolean;
  onFiles: (files: readonly File[]) => void;
}

/** A button that lets the user choose picture files. */
export function FileButton({ name, label, multiple = false, onFiles }: FileButtonProps) {
  const file = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton name={name} onClick={() => file.current?.click()}>
        <ImagePlus />
      </IconButton>
      <input
        ref={file}
        type="file"
        accept="image/*"
        multiple={multiple}
        className="hidden"
        aria-label={label}
        tabIndex={-1}
        onChange={(event) => {
          onFiles(Array.from(event.target.files ?? []));
          event.target.value = "";
        }}
      />
    </>
  );
}
