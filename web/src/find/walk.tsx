import { Images, Map as MapIcon } from "lucide-react";
import { useCallback, useState, type RefObject } from "react";
import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import type { Picture } from "@/api/pictures";
import { needsKey } from "@/api/problem";
import { useGalleryStyles, usePreparing } from "@/api/queries";
import { Grid } from "@/gallery/grid";
import { useGallery, useNewest, type GalleryFields, type Range } from "@/gallery/pages";
import { count, plural } from "@/lib/format";
import { tabStorage } from "@/lib/tab-storage";
import { openKeys } from "@/state/keys-dialog";
import { useSession } from "@/state/session";
import { Button } from "@/ui/button";
import { Segments } from "@/ui/controls";
import { Empty, Failure, Notice, Skeleton } from "@/ui/states";

import type { CardActions } from "./card";
import { HowToAdd } from "./empty-gallery";
import { galleryFields } from "./fields";
import { useMarks } from "./marks";
import { NothingFound } from "./nothing-found";
import { useQueryState } from "./query-state";
import { useScroller } from "./scroller";
import { Newest, Shelves } from "./shelves";
import { EmptyTile, Tile } from "./tile";
import { useTop } from "./use-top";
import { WalkWithin } from "./walk-within";

type View = "shelves" | "all";

interface WalkView {
  view: View;
  show: (view: View) => void;
}

const useWalkView = create<WalkView>()(
  persist((set): WalkView => ({ view: "shelves", show: (view) => set({ view }) }), {
    name: "clippy.walk",
    version: 1,
    storage: createJSONStorage(() => tabStorage),
  }),
);

interface WalkProps {
  /** The element that it is in. */
  list: RefObject<HTMLElement | null>;
  actions: CardActions;
}

/** The gallery without a search: shelves, or all pictures that the filters select. */
export function Walk({ list, actions }: WalkProps) {
  const scroller = useScroller(list);
  const query = useQueryState();
  const { within } = query;
  const fields = galleryFields(query);
  const { view, show } = useWalkView();
  const filtered = Object.keys(fields).length > 0;
  const shown = filtered ? "all" : view;
  const newest = useNewest(useSession((session) => session.key));
  const total = newest.data?.total;
  useTop(list, `${shown} ${JSON.stringify([fields, within])}`);
  if (newest.error !== null && newest.data === undefined) {
    return (
      <Failure
        error={newest.error}
        onRetry={() => void newest.refetch()}
        {...(needsKey(newest.error) ? { onKey: () => openKeys("key") } : {})}
      />
    );
  }
  if (within !== null) {
    return <WalkWithin key={within.key} {...{ within, filtered, scroller, actions }} />;
  }
  if (total === 0 && !filtered) return <EmptyStart />;
  return (
    <>
      {!filtered && (
        <div className="mb-3 flex flex-wrap items-center gap-x-3 gap-y-1.5">
          <Segments
            small
            label="What to show of the gallery"
            value={view}
            onChange={show}
            choices={[
              { value: "shelves", label: "Shelves" },
              { value: "all", label: "All pictures" },
            ]}
          />
          <Button look="ghost" size="tiny" asChild>
            <a href="#/map">
              <MapIcon />
              Map
            </a>
          </Button>
          {total !== undefined && (
            <span className="tabular text-xs text-soft">{plural(total, "picture")}</span>
          )}
        </div>
      )}
      {shown === "shelves" ? (
        <Front pictures={newest.data?.pictures ?? []} onAll={() => show("all")} />
      ) : (
        <All
          key={JSON.stringify(fields)}
          fields={fields}
          whole={total}
          scroller={scroller}
          actions={actions}
        />
      )}
    </>
  );
}

interface FrontProps {
  pictures: readonly Picture[];
  onAll: () => void;
}

/** The newest pictures, and a shelf for each style of the gallery. */
function Front({ pictures, onAll }: FrontProps) {
  const { data: styles = [] } = useGalleryStyles();
  return (
    <div className="flex flex-col gap-5">
      <p className="text-soft">
        Draw on the pad, type a few words, or look around in the gallery.
      </p>
      <Newest pictures={pictures} onAll={onAll} />
      {styles.length > 0 && <Shelves styles={styles} />}
    </div>
  );
}

interface AllProps {
  scroller: RefObject<HTMLElement | null>;
  actions: CardActions;
  fields: GalleryFields;
  /** How many pictures the whole gallery has. */
  whole: number | undefined;
}

function All({ fields, whole, scroller, actions }: AllProps) {
  const key = useSession((session) => session.key);
  const [range, setRange] = useState<Range>({ first: 0, last: 0 });
  const onRange = useCallback((next: Range) => {
    setRange((last) => (last.first === next.first && last.last === next.last ? last : next));
  }, []);
  const { total, pictureAt, error, retry } = useGallery(fields, key, range);
  const marksOf = useMarks();
  if (total === undefined) {
    if (error !== null) return <Failure error={error} onRetry={retry} />;
    return <Skeleton className="h-96" />;
  }
  if (total === 0) return <NothingFound />;
  const isPart = whole !== undefined && Object.keys(fields).length > 0;
  return (
    <>
      {isPart && (
        <p role="status" className="tabular mb-3 text-xs text-soft">
          {`${plural(total, "picture")} of ${count(whole)}, newest first`}
        </p>
      )}
      {error !== null && <Notice error={error} className="mb-3" />}
      <Grid label="Pictures of the gallery" total={total} scroller={scroller} onRange={onRange}>
        {({ index, slot, style, side }) => {
          const picture = pictureAt(index);
          // Making an element for each place that passes by would be slow.
          if (picture === undefined) {
            return <EmptyTile key={`empty ${slot}`} place={style} side={side} />;
          }
          return (
            <Tile
              key={index}
              picture={picture}
              index={index}
              total={total}
              place={style}
              side={side}
              actions={actions}
              {...marksOf(picture.id)}
            />
          );
        }}
      </Grid>
    </>
  );
}

function EmptyStart() {
  const { data: preparing } = usePreparing();
  return (
    <Empty icon={<Images />} title="Results appear here">
      <p>Draw on the pad, type a few words, or both. Then drag results into the references.</p>
      {!preparing && (
        <p className="mt-3">
          Is the gallery still empty? <HowToAdd />
        </p>
      )}
    </Empty>
  );
}
