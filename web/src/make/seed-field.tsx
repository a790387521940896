import { Lock, LockOpen } from "lucide-react";

import { useJobs } from "@/jobs/store";
import { picturesOf } from "@/jobs/results";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/controls";

import { seedFault, useWish, type Wish } from "./wish";

/** The seed of the newest pictures that were generated here, as text; empty if there is none. */
function useLastSeed(): string {
  return useJobs(({ views, recent }) => {
    for (const id of recent) {
      const job = views[id]?.job;
      const seed = job === undefined ? undefined : picturesOf(job)[0]?.seed;
      if (seed != null) return String(seed);
    }
    return "";
  });
}

function drawn(): string {
  return String(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0);
}

/**
 * The seed with its lock. Without the lock each run has a new seed, and that of the last pictures
 * is shown, so that the lock keeps it. A typed seed is locked.
 */
export function SeedField({ wish: { seed, seedLocked } }: { wish: Wish }) {
  const set = useWish((state) => state.set);
  const last = useLastSeed();
  const fault = seedLocked ? seedFault(seed) : null;
  const lock = () => set({ seedLocked: true, seed: last || drawn() });
  return (
    <Field label="Seed" htmlFor="seed" fault={fault} className="col-span-2">
      <div className="flex gap-1">
        <Input
          id="seed"
          inputMode="numeric"
          placeholder={last === "" ? "new each time" : `new; last ${last}`}
          value={seedLocked ? seed : ""}
          aria-invalid={fault !== null}
          onChange={({ target: { value } }) => set({ seed: value, seedLocked: value !== "" })}
        />
        <Button
          look="ghost"
          size="icon"
          aria-label="Keep the seed"
          aria-pressed={seedLocked}
          title={seedLocked ? "The seed is kept. Draw a new one each time" : "Keep the last seed"}
          onClick={seedLocked ? () => set({ seed: "", seedLocked: false }) : lock}
        >
          {seedLocked ? <Lock /> : <LockOpen />}
        </Button>
      </div>
    </Field>
  );
}
