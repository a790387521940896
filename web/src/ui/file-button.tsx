import { ImagePlus } from "lucide-react";
import { useRef } from "react";

import { Button } from "./button";
import { IconButton } from "./icon-button";

interface FileButtonProps {
  /** What the button does. */
  name: string;
  /** The name of the file field. */
  label: string;
  multiple?: boolean;
  /** Whether the button shows its name, beside its icon. */
  named?: boolean;
  onFiles: (files: readonly File[]) => void;
}

/** A button that lets the user choose picture files. */
export function FileButton({
  name,
  label,
  multiple = false,
  named = false,
  onFiles,
}: FileButtonProps) {
  const file = useRef<HTMLInputElement>(null);
  const choose = () => file.current?.click();
  return (
    <>
      {named ? (
        <Button onClick={choose}>
          <ImagePlus />
          {name}
        </Button>
      ) : (
        <IconButton name={name} onClick={choose}>
          <ImagePlus />
        </IconButton>
      )}
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
