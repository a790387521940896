import { ArrowLeft, Map as MapIcon } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";

import { needsKey } from "@/api/problem";
import { unscored, type Hit } from "@/api/results";
import { Details } from "@/find/details";
import { reportClick } from "@/find/feedback";
import { openKeys } from "@/state/keys-dialog";
import { showPanel } from "@/state/layout";
import { Button } from "@/ui/button";
import { Segments } from "@/ui/controls";
import { Empty, Failure, Notice, Skeleton } from "@/ui/states";

import { fetchMapPicture, useGalleryMap } from "./calls";
import { MapCanvas } from "./canvas";
import { Card } from "./card";
import { Chosen, searchInView } from "./chosen";
import { Legend } from "./legend";
import { Made, NoMap } from "./make";
import { NEIGHBOURS, SPACES, type GalleryMap, type MapSpace } from "./places";
import { forgetChoice, showSpace, useMap } from "./store";
import { Toolbar } from "./toolbar";
import { useInView } from "./use-in-view";
import { MapZoom } from "./zoom";

const CHOICES = SPACES.map((space) => {
  const { name, pictures } = NEIGHBOURS[space];
  return { value: space, label: name, title: `Put ${pictures} near each other` };
});

/** The map of the gallery: pictures that look alike, or are of the same style, are neighbours. */
export default function MapView() {
  const space = useMap((map) => map.space);
  return (
    <div className="flex min-h-0 flex-1 flex-col bg-panel">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1.5 border-b px-3 py-2">
        <h1 className="text-lg font-semibold tracking-tight">Map</h1>
        <Segments
          small
          label="What is near each other"
          value={space}
          onChange={showSpace}
          choices={CHOICES}
        />
        <Button size="small" className="ml-auto" onClick={() => showPanel("find")}>
          <ArrowLeft />
          Back to the search
        </Button>
      </div>
      <Content space={space} />
    </div>
  );
}

function Content({ space }: { space: MapSpace }) {
  const { data, error, isPending, refetch } = useGalleryMap(space);
  if (isPending) {
    return (
      <div role="status" aria-label="Loading the map" className="flex min-h-0 flex-1 p-3">
        <Skeleton className="flex-1" />
      </div>
    );
  }
  if (data === undefined) {
    return (
      <Failure
        error={error}
        onRetry={() => void refetch()}
        {...(needsKey(error) ? { onKey: () => openKeys("key") } : {})}
      />
    );
  }
  if (data === null) return <NoMap space={space} />;
  return (
    <>
      {error !== null && <Notice error={error} className="m-2" />}
      {data.ids.length > 0 ? (
        <Shown key={`${space} ${data.made}`} map={data} />
      ) : (
        <Empty icon={<MapIcon />} title="There are no pictures on the map" className="flex-1">
          Add pictures, and make it anew.
        </Empty>
      )}
      <Made map={data} space={space} />
    </>
  );
}

function Shown({ map }: { map: GalleryMap }) {
  const [open, setOpen] = useState<Hit | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  /** The picture that was pressed last: slow answers for others are not shown. */
  const pressed = useRef("");
  const inView = useInView(map);
  useEffect(() => forgetChoice, [map]);
  const onOpen = useCallback(
    (index: number) => {
      const id = map.ids[index] ?? "";
      pressed.current = id;
      setFailure(null);
      fetchMapPicture(id).then(
        (picture) => {
          if (pressed.current !== id) return;
          reportClick(picture);
          setOpen(unscored(picture));
        },
        (error: unknown) => pressed.current === id && setFailure(error),
      );
    },
    [map],
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col lg:flex-row">
      <div className="relative min-h-0 min-w-0 flex-1 overflow-hidden">
        <MapCanvas map={map} onOpen={onOpen} />
        <Toolbar inView={inView.length} onSearchInView={() => searchInView(map)} />
        {failure !== null && (
          <Notice error={failure} className="absolute inset-x-2 top-14 z-10 mx-auto w-fit" />
        )}
        <Card map={map} onOpen={onOpen} />
        <MapZoom />
        <Chosen map={map} />
      </div>
      <Legend map={map} inView={inView} />
      {open !== null && (
        <Details
          hit={open}
          weights={undefined}
          around={null}
          onClose={() => setOpen(null)}
          onUse={showPanel}
        />
      )}
    </div>
  );
}
