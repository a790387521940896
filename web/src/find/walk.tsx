import { Images, Map as MapIcon } from "lucide-react";
import type { RefObject } from "react";
import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import type { Picture } from "@/api/pictures";
import { needsKey } from "@/api/problem";
import { useGalleryStyles, usePreparing } from "@/api/queries";
import { useRange } from "@/gallery/grid";
import { useGallery, useNewest, type GalleryFields } from "@/gallery/pages";
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
import { NothingFound } from "./nothing-found";
import { PictureGrid } from "./picture-grid";
import { useQueryState } from "./query-state";
import { Newest, Shelves } from "./shelves";
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
    return <WalkWithin key={within.key} {...{ within, filtered, actions }} />;
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
        <All key={JSON.stringify(fields)} fields={fields} whole={total} actions={actions} />
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
  actions: CardActions;
  fields: GalleryFields;
  /** How many pictures the whole gallery has. */
  whole: number | undefined;
}

function All({ fields, whole, actions }: AllProps) {
  const key = useSession((session) => session.key);
  const [range, onRange] = useRange();
  const { total, pictureAt, error, retry } = useGallery(fields, key, range);
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
      <PictureGrid label="Pictures of the gallery" {...{ total, pictureAt, onRange, actions }} />
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
