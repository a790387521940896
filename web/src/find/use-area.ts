import { useEffect } from "react";
import { create } from "zustand";

import { isConflict } from "@/api/problem";

import { useQueryState } from "./query-state";
import type { Within } from "./within";

/** Whether the last area was dropped. */
const useDropped = create<{ isDropped: boolean }>()(() => ({ isDropped: false }));

// Whoever chooses another one has seen it.
useQueryState.subscribe(({ within }) => {
  if (within !== null) forgetDropped();
});

export function forgetDropped(): void {
  if (useDropped.getState().isDropped) useDropped.setState({ isDropped: false });
}

/**
 * Drops the area of a map that was made anew, which the server refuses: other pictures are inside
 * of it now. `isOld` says whether the last answer refused it, `isDropped` whether it was dropped.
 */
export function useArea(
  within: Within | null,
  error: unknown,
): { isOld: boolean; isDropped: boolean } {
  const isDropped = useDropped((state) => state.isDropped);
  const isOld = isConflict(error);
  const drops = isOld && within !== null;
  useEffect(() => {
    if (!drops) return;
    useQueryState.getState().set({ within: null });
    useDropped.setState({ isDropped: true });
  }, [drops]);
  return { isOld, isDropped };
}
