import { CornerDownRight } from "lucide-react";

import { useQueryState } from "@/find/query-state";
import { Button } from "@/ui/button";

/** Offers the words of the search as the prompt. */
export function SearchedWords({ onUse }: { onUse: (words: string) => void }) {
  const text = useQueryState((query) => query.text).trim();
  if (text === "") return null;
  return (
    <Button
      size="tiny"
      className="-mt-2 max-w-full self-start"
      title="Use the words of the search as the prompt"
      onClick={() => onUse(text)}
    >
      <CornerDownRight />
      <span className="truncate">Use the searched words: {text}</span>
    </Button>
  );
}
