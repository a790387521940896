import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import { useRef, useState, type KeyboardEvent } from "react";

import { picturePath } from "@/api/pictures";
import { cn } from "@/lib/classes";
import { percent, plural, words } from "@/lib/format";
import { Button } from "@/ui/button";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { clicked, moved, NOTHING } from "./selection";
import {
  decide,
  decideAll,
  listProposed,
  type ProposedGroup,
  type ProposedPicture,
  type Verdict,
} from "./tags";

/** Pictures of one page. */
const PICTURES = 120;

interface GroupProps {
  group: ProposedGroup;
  atLeast: number;
  onDecided: () => Promise<void>;
}

/** A proposed tag with its pictures. */
export function TagGroup({ group, atLeast, onDecided }: GroupProps) {
  const { tag } = group;
  const [all, setAll] = useState(false);
  const [selected, select] = useState(NOTHING);
  const more = useInfiniteQuery({
    queryKey: ["proposed", "tag", tag, atLeast],
    queryFn: ({ pageParam }) => listProposed({ tag, atLeast, cursor: pageParam, limit: PICTURES }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    enabled: all,
  });
  const paged = more.data?.pages.flatMap((page) => page.groups[0]?.pictures ?? []);
  const pictures = (all ? paged : undefined) ?? group.pictures;
  const ids = pictures.map(({ picture }) => picture.id);
  const chosen = ids.filter((id) => selected.ids.has(id));
  const deciding = useMutation({
    mutationFn: ({ verdict, every }: { verdict: Verdict; every: boolean }) =>
      every ? decideAll(verdict, tag, atLeast) : decide(verdict, tag, chosen),
    onSuccess: () => select(NOTHING),
    onSettled: onDecided,
  });
  const start = (verdict: Verdict, every: boolean) => {
    if (!deciding.isPending && (every || chosen.length > 0)) deciding.mutate({ verdict, every });
  };
  const shortcut = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const verdict = { a: "accept", r: "reject" }[event.key.toLowerCase()];
    if (verdict === "accept" || verdict === "reject") start(verdict, false);
  };
  const some = chosen.length > 0;
  const scope = some ? String(chosen.length) : "all";
  return (
    // The keys act on the selection of buttons in it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <article
      aria-label={`Tag ${words(tag)}`}
      data-tag={tag}
      onKeyDown={shortcut}
      className="flex flex-col gap-3 rounded-lg border bg-panel p-3 sm:p-4"
    >
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="min-w-0 flex-1 font-medium break-words max-sm:basis-full">
          {words(tag)}
          <span
            className="tabular ml-2 inline-block text-[0.8125rem] font-normal whitespace-nowrap
              text-soft"
          >
            {plural(group.count, "picture")}
          </span>
        </h3>
        <Button
          size="small"
          className="max-sm:flex-1"
          disabled={deciding.isPending}
          onClick={() => start("accept", !some)}
        >
          <Check />
          Accept {scope}
        </Button>
        <Button
          size="small"
          look="danger"
          className="max-sm:flex-1"
          disabled={deciding.isPending}
          onClick={() => start("reject", !some)}
        >
          <X />
          Reject {scope}
        </Button>
      </div>
      <Grid
        tag={tag}
        pictures={pictures}
        selected={selected.ids}
        onSelect={(id, range) => select(clicked(selected, ids, id, range))}
      />
      {deciding.error !== null && <Notice error={deciding.error} />}
      {more.error !== null && <Notice error={more.error} />}
      {(all ? more.hasNextPage : group.count > group.pictures.length) && (
        <Button
          size="small"
          look="ghost"
          className="self-start"
          disabled={more.isFetching}
          onClick={() => {
            if (all) void more.fetchNextPage();
            else setAll(true);
          }}
        >
          Show more pictures
        </Button>
      )}
    </article>
  );
}

interface GridProps {
  tag: string;
  pictures: readonly ProposedPicture[];
  selected: ReadonlySet<string>;
  onSelect: (id: string, range: boolean) => void;
}

function Grid({ tag, pictures, selected, onSelect }: GridProps) {
  const list = useRef<HTMLUListElement>(null);
  const move = (event: KeyboardEvent, index: number) => {
    const element = list.current;
    if (element === null) return;
    const columns = getComputedStyle(element).gridTemplateColumns.split(" ").length;
    const next = moved(event.key, index, columns, pictures.length);
    if (next === null) return;
    event.preventDefault();
    element.querySelectorAll("button")[next]?.focus();
  };
  return (
    <ul ref={list} className="grid grid-cols-[repeat(auto-fill,minmax(5.5rem,1fr))] gap-2">
      {pictures.map(({ picture, probability }, index) => {
        const chosen = selected.has(picture.id);
        return (
          <li key={picture.id}>
            <button
              type="button"
              aria-pressed={chosen}
              aria-label={`Picture ${picture.id}, ${words(tag)}, ${percent(probability)}`}
              onClick={(event) => onSelect(picture.id, event.shiftKey)}
              onKeyDown={(event) => move(event, index)}
              className={cn(
                "relative block aspect-square w-full overflow-hidden rounded-md border bg-white",
                chosen ? "border-blue ring-2 ring-blue" : "border-line hover:border-edge",
              )}
            >
              <Picture
                path={picturePath(picture, 240)}
                alt=""
                loading="lazy"
                draggable={false}
                className="size-full object-contain"
              />
              <span
                className={cn(
                  "tabular absolute right-1 bottom-1 rounded bg-raised/90 px-1",
                  "text-[0.6875rem] text-ink",
                )}
              >
                {percent(probability)}
              </span>
              {chosen && (
                <span className="absolute top-1 left-1 rounded-full bg-blue p-0.5 text-white">
                  <Check className="size-3" />
                </span>
              )}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
