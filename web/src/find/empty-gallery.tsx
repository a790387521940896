import { FolderPlus } from "lucide-react";

import { MOST_STYLES, useStyles, useTags } from "@/api/queries";
import { Empty } from "@/ui/states";

import type { Query } from "./fields";

/** Whether nothing can keep a search from finding any picture of the gallery. */
export function findsEverything({ filters, origin, minPercentile }: Query): boolean {
  return filters.length === 0 && origin !== "generated" && minPercentile === 0;
}

/** Whether the gallery may be empty: it has no styles and no tags. */
export function useMayBeEmpty(): boolean {
  const styles = useStyles(MOST_STYLES);
  const tags = useTags("", 1, styles.data?.length === 0);
  return styles.data?.length === 0 && tags.data?.length === 0;
}

/** How pictures come into the gallery. */
export function HowToAdd() {
  return (
    <>
      On the server, <code>clippy add FOLDER</code> adds the pictures of a folder.{" "}
      <a href="#/admin" className="text-blue underline underline-offset-4">
        Admin
      </a>{" "}
      has a form for it.
    </>
  );
}

export function EmptyGallery() {
  return (
    <Empty icon={<FolderPlus />} title="The gallery is empty">
      <HowToAdd />
    </Empty>
  );
}
