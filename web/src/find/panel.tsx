import { Images, Search, SearchX, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { needsKey } from "@/api/problem";
import { useFeatures } from "@/api/queries";
import type { Hit } from "@/api/pictures";
import { plural } from "@/lib/format";
import { cn } from "@/lib/classes";
import { openKeys } from "@/shell/keys";
import { usePreparing } from "@/shell/preparing";
import { useTray } from "@/tray/tray";
import { Button } from "@/ui/button";
import { Input } from "@/ui/controls";
import { Empty, Failure, Notice, Skeleton } from "@/ui/states";

import { Card, type CardActions } from "./card";
import { Details } from "./details";
import { looked, save, useSaved } from "./feedback";
import { Filters, Likes } from "./filters";
import { liking, useQueryState } from "./query";
import { Presets, Tune } from "./tune";
import { useSearch } from "./use-search";

const GRID = "grid grid-cols-[repeat(auto-fill,minmax(min(9.5rem,42%),1fr))] gap-x-3 gap-y-4";

/** Searching: words, weights, filters, and what was found. */
export function FindPanel({ className }: { className?: string }) {
  const { features } = useFeatures();
  const query = useQueryState();
  const found = useSearch();
  const [open, setOpen] = useState<Hit | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const references = useTray((tray) => tray.references);
  const saved = useSaved(({ ids }) => ids);

  const actions = useMemo<CardActions>(
    () => ({
      open: (hit) => {
        setOpen(hit);
        looked(hit.picture);
      },
      like: ({ picture }) => {
        const { likes, set } = useQueryState.getState();
        set({ likes: liking(likes, { id: picture.id, title: picture.title }, features.severalLikes) });
      },
      keep: ({ picture }) => void save(picture).then(() => setFault(null), setFault),
      reference: ({ picture }) => {
        const tray = useTray.getState();
        const known = tray.references.find(({ source }) => source.kind === "gallery" && source.id === picture.id);
        if (known !== undefined) tray.remove(known.key);
        else tray.add({ source: { kind: "gallery", id: picture.id }, title: picture.title, licence: picture.licence });
      },
    }),
    [features.severalLikes],
  );

  const inTray = useMemo(() => new Set(references.flatMap(({ source }) => (source.kind === "gallery" ? [source.id] : []))), [references]);
  const savedIds = useMemo(() => new Set(saved), [saved]);
  const liked = useMemo(() => new Set(query.likes.map(({ id }) => id)), [query.likes]);

  return (
    <section aria-label="Find references" className={cn("flex min-h-0 flex-col", className)}>
      <div className="flex flex-col gap-2.5 border-b px-4 pt-3 pb-3">
        <div className="flex gap-2">
          <div className="relative min-w-0 flex-[2]">
            <Search aria-hidden className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-soft" />
            <Input id="words" type="search" aria-label="Words" placeholder="Words: red apple, full moon…" value={query.text} onChange={(event) => query.set({ text: event.target.value })} className="pr-9 pl-9 [&::-webkit-search-cancel-button]:hidden" />
            {query.text !== "" && (
              <button type="button" aria-label="Clear the words" className="absolute top-1/2 right-2 -translate-y-1/2 rounded-sm p-1 text-soft hover:text-ink" onClick={() => query.set({ text: "" })}><X className="size-4" /></button>
            )}
          </div>
          {features.negativeText && (
            <Input aria-label="Words to stay away from" placeholder="Without…" value={query.negativeText} onChange={(event) => query.set({ negativeText: event.target.value })} className="flex-1" />
          )}
        </div>
        <div className="-m-1 flex items-center gap-1 overflow-x-auto p-1 [scrollbar-width:none]">
          <Presets />
          <span className="ml-auto"><Tune /></span>
        </div>
        <Filters facets={found.first?.facets ?? null} />
        <Likes />
      </div>
      <Results found={found} actions={actions} inTray={inTray} saved={savedIds} liked={liked} fault={fault} />
      {open !== null && <Details hit={open} weights={found.first?.weights} onClose={() => setOpen(null)} />}
    </section>
  );
}

interface ResultsProps {
  found: ReturnType<typeof useSearch>;
  actions: CardActions;
  inTray: ReadonlySet<string>;
  saved: ReadonlySet<string>;
  liked: ReadonlySet<string>;
  fault: unknown;
}

function Results({ found, actions, inTray, saved, liked, fault }: ResultsProps) {
  const { hits, asked, first, error, searching, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch, isPlaceholderData } = found;
  const preparing = Boolean(usePreparing().data);
  const scroller = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isPlaceholderData) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isPlaceholderData, fetchNextPage]);

  useEffect(() => {
    const element = end.current;
    if (element === null) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && more(), { rootMargin: "600px" });
    observer.observe(element);
    return () => observer.disconnect();
  }, [more, hits.length]);

  const status = !asked
    ? ""
    : searching
      ? "Searching…"
      : first === undefined
        ? ""
        : `${plural(hits.length, "picture")}${hasNextPage ? " and more" : ""} · ${Math.max(1, Math.round(first.tookMs))} ms${first.priors > 0 ? " · shaped by your taste" : ""}`;

  return (
    <div ref={scroller} className="scroll-slim min-h-0 flex-1 overflow-y-auto px-4 pb-6">
      <p id="search-status" role="status" className="tabular sticky top-0 z-10 -mx-4 bg-panel/90 px-4 py-2 text-xs text-soft backdrop-blur-sm">{status || " "}</p>
      {fault !== null && <Notice error={fault} className="mb-3" />}
      {!asked ? (
        <Empty icon={<Images />} title="References appear here">
          Draw on the pad, type a few words, or both. Then drag what you like into the references.
        </Empty>
      ) : error !== null && hits.length === 0 ? (
        <Failure error={error} onRetry={() => void refetch()} {...(needsKey(error) ? { onKey: () => openKeys("key") } : {})} />
      ) : isPending ? (
        <ul aria-label="Loading" className={GRID}>
          {Array.from({ length: 12 }, (_, index) => <li key={index}><Skeleton className="aspect-square" /></li>)}
        </ul>
      ) : hits.length === 0 ? (
        preparing
          ? <Empty icon={<Images />} title="The gallery is still being filled">What fits appears here by itself as pictures come in.</Empty>
          : <Empty icon={<SearchX />} title="Nothing was found">Take away a filter, or use other words.</Empty>
      ) : (
        <>
          {error !== null && <Notice error={error} className="mb-3" />}
          <ul id="results" aria-label="Results" aria-busy={isPlaceholderData} className={cn(GRID, "transition-opacity", isPlaceholderData && "opacity-60")}>
            {hits.map((hit) => (
              <Card key={hit.picture.id} hit={hit} actions={actions} saved={saved.has(hit.picture.id)} inTray={inTray.has(hit.picture.id)} liked={liked.has(hit.picture.id)} />
            ))}
          </ul>
          <div ref={end} className="flex h-16 items-center justify-center">
            {hasNextPage && <Button size="small" disabled={isFetchingNextPage} onClick={more}>{isFetchingNextPage ? "Loading…" : "Show more"}</Button>}
          </div>
        </>
      )}
    </div>
  );
}
