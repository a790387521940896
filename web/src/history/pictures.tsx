import { Images, SearchX } from "lucide-react";
import { useEffect, useState } from "react";
import { create } from "zustand";

import { needsKey } from "@/api/problem";
import { useJobs } from "@/jobs/store";
import { isOver } from "@/jobs/view";
import { bytes, plural } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";
import { useNow } from "@/lib/use-now";
import { openKeys } from "@/state/keys-dialog";
import { Button } from "@/ui/button";
import { Empty, Failure, Skeleton } from "@/ui/states";

import {
  ANYTHING,
  isNarrowed,
  refreshHistory,
  useEntries,
  type Search,
  type Usage,
} from "./calls";
import { EntryCard } from "./entry-card";
import { EntryDialog } from "./entry-dialog";
import { SearchFields } from "./search";

/** It stays as it is while another view is shown. */
const useSearch = create<{ search: Search }>()(() => ({ search: ANYTHING }));

/** The entry that is shown large. */
interface Opened {
  id: string;
  index: number;
}

/** The generated pictures by run, and their search. */
export function PictureList() {
  const { search } = useSearch();
  const settled = JSON.parse(useDebounced(JSON.stringify(search), 250)) as Search;
  const { data, error, isPending, refetch, ...more } = useEntries(settled);
  const [opened, open] = useState<Opened | null>(null);
  const now = useNow();
  useRefreshAfterJobs();
  const change = (next: Search) => useSearch.setState({ search: next });
  const usage = data?.pages[0]?.usage ?? null;
  const entries = data?.pages.flatMap((page) => page.entries) ?? [];
  if (error !== null && data === undefined) {
    const key = needsKey(error) ? { onKey: () => openKeys("key") } : {};
    return <Failure error={error} onRetry={() => void refetch()} {...key} />;
  }
  return (
    <>
      <SearchFields search={search} onChange={change} styles={usage?.styles ?? []} />
      {usage !== null && <UsageLine usage={usage} />}
      {isPending ? (
        <div className="grid gap-3 lg:grid-cols-2" aria-label="Loading">
          {Array.from({ length: 4 }, (_, index) => (
            <Skeleton key={index} className="h-48" />
          ))}
        </div>
      ) : entries.length === 0 ? (
        <Nothing narrowed={isNarrowed(settled)} onAll={() => change(ANYTHING)} />
      ) : (
        <ul aria-label="Generated pictures" className="grid items-start gap-3 lg:grid-cols-2">
          {entries.map((entry) => (
            <EntryCard
              key={entry.id}
              entry={entry}
              now={now}
              onOpen={(index) => open({ id: entry.id, index })}
            />
          ))}
        </ul>
      )}
      {more.hasNextPage && (
        <Button
          className="self-center"
          disabled={more.isFetchingNextPage}
          onClick={() => void more.fetchNextPage()}
        >
          Show more
        </Button>
      )}
      {opened !== null && (
        <EntryDialog
          key={opened.id}
          id={opened.id}
          index={opened.index}
          onOpen={(id, index) => open({ id, index })}
          onReference={(reference) => {
            open(null);
            change({ ...ANYTHING, reference });
          }}
          onClose={() => open(null)}
        />
      )}
    </>
  );
}

/** Lists the pictures of a job as soon as it is over. */
function useRefreshAfterJobs(): void {
  const over = useJobs(
    ({ views }) => Object.values(views).filter(({ job }) => isOver(job)).length,
  );
  useEffect(() => void refreshHistory(), [over]);
}

function UsageLine({ usage }: { usage: Usage }) {
  const { pictures, picture_bytes, input_bytes, keep_days } = usage;
  const parts = [
    `${plural(pictures, "picture")}, ${bytes(picture_bytes)}`,
    ...(input_bytes > 0 ? [`${bytes(input_bytes)} of sketches and uploads`] : []),
    keep_days == null
      ? "kept until you delete them"
      : `deleted after ${plural(keep_days, "day")}, except for favourites`,
  ];
  return (
    <p className="text-[0.8125rem] text-soft" data-testid="usage">
      {parts.join(" · ")}
    </p>
  );
}

function Nothing({ narrowed, onAll }: { narrowed: boolean; onAll: () => void }) {
  if (!narrowed) {
    return (
      <Empty icon={<Images />} title="No pictures yet">
        Generated pictures are listed here with what they were made from.
      </Empty>
    );
  }
  return (
    <Empty icon={<SearchX />} title="No picture is like that">
      <Button size="small" onClick={onAll}>
        Show all pictures
      </Button>
    </Empty>
  );
}
