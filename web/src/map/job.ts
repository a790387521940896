/** The job that makes a map. The tab remembers it, so that a reload shows its progress again. */

import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { create } from "zustand";

import { followListed, refreshLists, showJobs, useJobs } from "@/jobs/store";
import { isOver, type JobView } from "@/jobs/view";
import { uniqueId } from "@/lib/id";
import { fields, parsed, text } from "@/lib/json";
import { tabOnly } from "@/lib/tab-storage";

import { makeMap, refreshMap } from "./calls";
import { SPACES, type MapSpace } from "./places";

type Making = Record<MapSpace, string | null>;

const NAME = "clippy.map-jobs";

function remembered(): Making {
  const known = fields(parsed(tabOnly.get(NAME) ?? "null"));
  return { image: text(known["image"]), style: text(known["style"]) };
}

const useMaking = create<Making>()(remembered);

useMaking.subscribe((making) => {
  const isNone = SPACES.every((space) => making[space] === null);
  tabOnly.set(NAME, isNone ? null : JSON.stringify(making));
});

/** The job that makes this map, if this tab started one; and its start. */
export function useMapJob(space: MapSpace) {
  const id = useMaking((making) => making[space]);
  const view = useJobs(({ views }): JobView | undefined => views[id ?? ""]);
  const [key, setKey] = useState(uniqueId);
  useEffect(() => {
    if (id !== null) void showJobs([id], () => useMaking.setState({ [space]: null }));
  }, [id, space]);
  const isDone = view !== undefined && isOver(view.job) && view.job.state === "succeeded";
  useEffect(() => {
    if (!isDone) return;
    useMaking.setState({ [space]: null });
    refreshMap();
  }, [isDone, space]);
  const starting = useMutation({
    mutationFn: () => makeMap(space, key),
    onSuccess: (job) => {
      // After a lost answer, the same key finds the job that was started.
      setKey(uniqueId());
      followListed(job);
      refreshLists();
      useMaking.setState({ [space]: job.id });
    },
  });
  // After a reload, the job that the tab remembers runs until the server says otherwise.
  const isRunning = id !== null && (view === undefined || !isOver(view.job));
  return { view: id === null ? undefined : view, isRunning, starting };
}
