import { useState } from "react";

import { Button } from "@/ui/button";
import { Input } from "@/ui/controls";

interface BoardNameProps {
  /** What the button says. */
  action: string;
  initial?: string;
  focus?: boolean;
  /** Returns whether the name was taken. One that was not stays in the field. */
  onName: (name: string) => Promise<boolean>;
  onCancel?: () => void;
}

/** The server's limit, in characters. */
export const LONGEST_NAME = 120;

/** A form for the name of a board. */
export function BoardName({ action, initial = "", focus, onName, onCancel }: BoardNameProps) {
  const [name, setName] = useState(initial);
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    const taken = await onName(name.trim());
    setBusy(false);
    if (taken) setName("");
  };
  return (
    <form
      className="flex min-w-0 items-center gap-1.5"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== "" && !busy) void submit();
      }}
    >
      <Input
        aria-label="Name of the board"
        placeholder="New board"
        maxLength={LONGEST_NAME}
        // eslint-disable-next-line jsx-a11y/no-autofocus -- the user has just asked for this field
        autoFocus={focus ?? false}
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onCancel?.();
        }}
        className="h-8 flex-1"
      />
      <Button size="small" type="submit" disabled={busy || name.trim() === ""}>
        {action}
      </Button>
      {onCancel !== undefined && (
        <Button size="small" look="ghost" onClick={onCancel}>
          Cancel
        </Button>
      )}
    </form>
  );
}
