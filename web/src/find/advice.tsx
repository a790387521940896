import type { SearchPage } from "@/api/results";
import { Button } from "@/ui/button";

import { useQueryState } from "./query-state";

/** What the server says about a search that found little: that nothing is close, and what else may
 * have been meant. */
export function Advice({ page }: { page: SearchPage }) {
  const { nothingClose, didYouMean } = page;
  const set = useQueryState((query) => query.set);
  if (!nothingClose && didYouMean === null) return null;
  return (
    <p role="note" className="mb-3 rounded-md bg-well px-3 py-2 text-[0.8125rem]">
      {nothingClose && <span>Nothing in the gallery is close to this. </span>}
      {didYouMean !== null && (
        <span>
          Did you mean{" "}
          <Button look="link" size="bare" onClick={() => set({ text: didYouMean })}>
            {didYouMean}
          </Button>
          ?{" "}
        </span>
      )}
      {nothingClose && <span className="text-soft">The nearest pictures are shown below.</span>}
    </p>
  );
}
