import { useInfiniteQuery } from "@tanstack/react-query";
import { ArrowLeft, Tags } from "lucide-react";
import { useState } from "react";

import { queryClient } from "@/api/query-client";
import { percent, plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { Select } from "@/ui/controls";
import { Empty, Failure, Skeleton } from "@/ui/states";

import { TagGroup } from "./tag-group";
import { listProposed } from "./tags";

const LEAST = [0, 0.5, 0.7, 0.8, 0.9, 0.95];
/** Groups of one page. */
const GROUPS = 20;

/** Reads the proposals again, after decisions. */
function refresh() {
  return queryClient.invalidateQueries({ queryKey: ["proposed"] });
}

/** Proposed tags: for each its pictures, to accept or reject many at once. */
export function ReviewTags({ onBack }: { onBack: () => void }) {
  const [atLeast, setAtLeast] = useState(0);
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } =
    useInfiniteQuery({
      queryKey: ["proposed", "groups", atLeast],
      queryFn: ({ pageParam }) => listProposed({ atLeast, cursor: pageParam, limit: GROUPS }),
      initialPageParam: null as string | null,
      getNextPageParam: (page) => page.next,
    });
  const groups = data?.pages.flatMap((page) => page.groups) ?? [];
  const outdated = data?.pages[0]?.outdated ?? 0;
  return (
    <section aria-label="Proposed tags" className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button size="small" onClick={onBack}>
          <ArrowLeft />
          Back
        </Button>
        <h2 className="flex-1 font-semibold tracking-tight">Proposed tags</h2>
        <label className="flex items-center gap-2 text-[0.8125rem] text-soft">
          Probability
          <Select value={atLeast} onChange={(event) => setAtLeast(Number(event.target.value))}>
            {LEAST.map((least) => (
              <option key={least} value={least}>
                {least === 0 ? "any" : `at least ${percent(least)}`}
              </option>
            ))}
          </Select>
        </label>
      </div>
      <p className="text-[0.8125rem] text-pretty text-soft [@media(hover:none)]:hidden">
        Click pictures to select them, with Shift up to the last one. Then accept or reject the tag
        for them. In a group, <kbd>A</kbd> accepts and <kbd>R</kbd> rejects what is selected.
      </p>
      <p className="text-[0.8125rem] text-pretty text-soft [@media(hover:hover)]:hidden">
        Tap pictures to select them, then accept or reject the tag for them. Without a selection,
        the buttons are for all of them.
      </p>
      {outdated > 0 && (
        <p role="status" className="text-[0.8125rem] text-amber">
          The proposals for {plural(outdated, "picture")} come from a model that was replaced, and
          are not shown: propose tags again.
        </p>
      )}
      {isPending ? (
        <Skeleton className="h-56" />
      ) : data === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : groups.length === 0 ? (
        <div className="rounded-lg border border-dashed border-line">
          <Empty icon={<Tags />} title="No proposed tags">
            Start “Propose tags” on the admin page, or choose a lower probability.
          </Empty>
        </div>
      ) : (
        groups.map((group) => (
          <TagGroup key={group.tag} group={group} atLeast={atLeast} onDecided={refresh} />
        ))
      )}
      {hasNextPage && (
        <Button
          className="self-center"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          More tags
        </Button>
      )}
    </section>
  );
}
