import { Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { Button } from "@/ui/button";

import { deleteEntry } from "./calls";

interface DeleteButtonProps {
  id: string;
  /** The picture, or null for the whole entry. */
  picture: number | null;
  question: string;
  className?: string;
  onDeleted?: () => void;
  onFailure: (failure: unknown) => void;
}

/** Deletes after a second click, since nothing brings the pictures back. */
export function DeleteButton(props: DeleteButtonProps) {
  const { id, picture, question, className, onDeleted, onFailure } = props;
  const [asking, ask] = useState(false);
  const [busy, setBusy] = useState(false);
  const confirm = useRef<HTMLButtonElement>(null);
  // The button that was focused is replaced.
  useEffect(() => confirm.current?.focus(), [asking]);
  if (!asking) {
    return (
      <Button
        size="icon-small"
        look="ghost"
        aria-label="Delete"
        title="Delete"
        className={className}
        onClick={() => ask(true)}
      >
        <Trash2 />
      </Button>
    );
  }
  const remove = () => {
    setBusy(true);
    void deleteEntry(id, picture)
      .then(onDeleted, onFailure)
      .finally(() => {
        setBusy(false);
        ask(false);
      });
  };
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- for its buttons
    <span
      role="group"
      aria-label={question}
      className="flex flex-wrap items-center gap-1.5"
      onKeyDown={(event) => {
        if (event.key === "Escape" && !busy) ask(false);
      }}
    >
      <span className="text-[0.8125rem]">{question}</span>
      <Button ref={confirm} size="small" look="destructive" disabled={busy} onClick={remove}>
        Delete
      </Button>
      <Button size="small" disabled={busy} onClick={() => ask(false)}>
        Keep
      </Button>
    </span>
  );
}
