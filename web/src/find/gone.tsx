import { useMutation, useQuery } from "@tanstack/react-query";
import { ImageOff, Undo2 } from "lucide-react";

import { api, body } from "@/api/client";
import { isNotFound, Problem } from "@/api/problem";
import { words } from "@/lib/format";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/states";

import { putBack } from "./deleted";
import { EditFailure } from "./edit-failure";
import { useQueryState } from "./query-state";

/** The picture that a search names and the gallery does not have, or null. */
export function goneOf(error: unknown): string | null {
  if (!(error instanceof Problem) || !isNotFound(error)) return null;
  return (
    /^(?:like|style_like): the collection has no picture (\S+)$/.exec(error.detail)?.[1] ?? null
  );
}

/** A search for pictures like one that is not in the gallery any more. The query is kept. */
export function Gone({ id }: { id: string }) {
  const { likes, styles, set } = useQueryState();
  const { data: state, isPending } = useQuery({
    queryKey: ["picture", id],
    queryFn: async () => {
      const answer = await api.GET("/api/pictures/{id}", { params: { path: { id } } });
      return body(answer).state;
    },
  });
  const isDeleted = state === "deleted" || state === "hidden";
  const undoing = useMutation({ mutationFn: () => putBack(id) });
  const title = [...likes, ...styles].find((picture) => picture.id === id)?.title;
  const others = <P extends { id: string }>(pictures: readonly P[]) =>
    pictures.filter((picture) => picture.id !== id);
  if (isPending) return null;
  return (
    <Empty
      icon={<ImageOff />}
      title={isDeleted ? "That picture was deleted" : "That picture is not in the gallery"}
    >
      <p>
        {title === undefined ? "A picture" : `“${words(title)}”`} is part of this search. Your
        words, drawing and filters are kept.
      </p>
      <div className="mt-3 flex flex-wrap justify-center gap-2">
        {isDeleted && (
          <Button
            size="small"
            look="solid"
            disabled={undoing.isPending}
            onClick={() => undoing.mutate()}
          >
            <Undo2 />
            {undoing.isPending ? "Restoring…" : "Undo the deletion"}
          </Button>
        )}
        <Button size="small" onClick={() => set({ likes: others(likes), styles: others(styles) })}>
          Search without it
        </Button>
      </div>
      <EditFailure error={undoing.error} />
    </Empty>
  );
}
