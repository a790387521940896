import { Images, SearchX } from "lucide-react";

import { usePreparing } from "@/api/queries";
import { Empty } from "@/ui/states";

import { EmptyGallery, findsEverything } from "./empty-gallery";
import { useQueryState } from "./query-state";

/** Why there are no pictures. */
export function NothingFound() {
  const { data: preparing } = usePreparing();
  const query = useQueryState();
  if (!preparing && findsEverything(query)) return <EmptyGallery />;
  return preparing ? (
    <Empty icon={<Images />} title="The gallery is still being filled">
      Results appear as pictures are added.
    </Empty>
  ) : (
    <Empty icon={<SearchX />} title="Nothing found">
      Remove a filter, or try other words.
    </Empty>
  );
}
