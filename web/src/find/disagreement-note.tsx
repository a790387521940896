import type { ReactNode } from "react";

import type { Hit } from "@/api/results";
import { Button } from "@/ui/button";

import { leading, type Part } from "./balance";
import { ignoredSide } from "./disagreement";
import type { Query } from "./fields";
import { NOTE } from "./note";
import { useQueryState } from "./query-state";

interface DisagreementNoteProps {
  hits: readonly Hit[];
  parts: readonly Part[];
}

/** Says that the pictures follow the drawing and not the words, or the other way round. */
export function DisagreementNote({ hits, parts }: DisagreementNoteProps) {
  const { text, weights, set } = useQueryState();
  const words = parts.find(({ name }) => name === "words");
  const shown = parts.find(({ name }) => name === "drawing" || name === "pictures");
  if (words === undefined || shown === undefined) return null;
  const ignored = ignoredSide(hits);
  if (ignored === null) return null;
  const quoted = <q className="break-words">{text.trim()}</q>;
  const drawing = shown.name === "drawing" ? "your drawing" : "the pictures you chose";
  const thing = shown.name === "drawing" ? "drawing" : "pictures";
  const follow = (part: Part) => set({ weights: leading(part, parts, weights) });
  return ignored === "words" ? (
    <Note
      follow="Follow the words instead"
      onFollow={() => follow(words)}
      alone="Search the words alone"
      onAlone={() => set(WORDS_ALONE)}
    >
      These pictures follow {drawing}; none of them fits the words {quoted}.
    </Note>
  ) : (
    <Note
      follow={`Follow the ${thing} instead`}
      onFollow={() => follow(shown)}
      alone={`Search the ${thing} alone`}
      onAlone={() => set({ text: "" })}
    >
      These pictures follow the words {quoted}; none of them is like {drawing}.
    </Note>
  );
}

const WORDS_ALONE: Partial<Query> = { useSketch: false, likes: [] };

interface NoteProps {
  follow: string;
  onFollow: () => void;
  alone: string;
  onAlone: () => void;
  children: ReactNode;
}

function Note({ follow, onFollow, alone, onAlone, children }: NoteProps) {
  return (
    <div role="note" className={NOTE}>
      <p>{children}</p>
      <p className="mt-1 flex flex-wrap gap-x-4 gap-y-1 [@media(hover:none)]:gap-y-2.5">
        <Button look="link" size="bare" onClick={onFollow}>
          {follow}
        </Button>
        <Button look="link" size="bare" onClick={onAlone}>
          {alone}
        </Button>
      </p>
    </div>
  );
}

/** Says that the drawing on the pad is not part of the search. */
export function LeftOutNote() {
  const set = useQueryState((query) => query.set);
  return (
    <p role="note" className={NOTE}>
      Your drawing is not searched for.{" "}
      <Button look="link" size="bare" onClick={() => set({ useSketch: true })}>
        Search with it
      </Button>
    </p>
  );
}
