import { Sparkles } from "lucide-react";
import { useState } from "react";

import { isSearchable, queryOf } from "@/find/fields";
import { useQueryState } from "@/find/query-state";
import { suggestReferences } from "@/find/search";
import { plural } from "@/lib/format";
import { useProvider } from "@/make/provider";
import { searchedPart } from "@/pad/fingerprint";
import { drawingNow, usePad } from "@/pad/store";
import { useReferences } from "@/references/store";
import { useSession } from "@/state/session";
import { Button } from "@/ui/button";

/** Adds references that the server chooses for the current search, with reasons. */
export function Suggest({ onFailure }: { onFailure: (failure: unknown) => void }) {
  const query = queryOf(useQueryState());
  const artist = useSession((session) => session.artist);
  const drawing = usePad(({ history }) => history.present);
  const provider = useProvider();
  const [busy, setBusy] = useState(false);
  const [added, setAdded] = useState(0);
  const suggest = async () => {
    setBusy(true);
    onFailure(null);
    try {
      const request = { query, drawing: drawingNow(), artist };
      const suggestions = await suggestReferences(request, provider?.provider ?? "");
      const { add } = useReferences.getState();
      for (const { id, ...rest } of suggestions) add({ source: { kind: "gallery", id }, ...rest });
      setAdded(suggestions.length);
    } catch (error) {
      onFailure(error);
    } finally {
      setBusy(false);
    }
  };
  // References are chosen for a provider, so one is needed.
  const says = isSearchable(query, searchedPart(drawing) !== null) || query.styleGroups.length > 0;
  const enabled = provider !== null && says;
  return (
    <>
      <span role="status" className="sr-only">
        {added > 0 ? `${plural(added, "reference")} suggested` : ""}
      </span>
      <Button look="ghost" size="small" disabled={busy || !enabled} onClick={() => void suggest()}>
        <Sparkles />
        {busy ? "Choosing…" : "Suggest references"}
      </Button>
    </>
  );
}
