/** Whether the server answered last, and since when it answers again. */

import { create } from "zustand";

import { isTransient, Problem, Unreachable } from "./problem";

interface Reachability {
  /** Whether a call got no answer, and none was answered since. */
  lost: boolean;
  /** When the server answered again, 0 if it was never lost. */
  recoveredAt: number;
}

export const useReachability = create<Reachability>()(() => ({ lost: false, recoveredAt: 0 }));

export function noteLost(): void {
  if (!useReachability.getState().lost) useReachability.setState({ lost: true });
}

export function noteRecovered(): void {
  useReachability.setState({ lost: false, recoveredAt: Date.now() });
}

/** Whether a failure is from before the server answered again: its message is not true any more. */
export function isOutdated(error: unknown, recoveredAt: number): boolean {
  if (!(error instanceof Problem || error instanceof Unreachable)) return false;
  return isTransient(error) && error.at <= recoveredAt;
}
