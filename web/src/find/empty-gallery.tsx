import { FolderPlus } from "lucide-react";

import { Empty } from "@/ui/states";

import type { Query } from "./fields";

/** Whether nothing can keep a search from finding any picture of the gallery. */
export function findsEverything(query: Query): boolean {
  const { filters, styleGroups, within, origin, minPercentile } = query;
  const narrowed = filters.length > 0 || styleGroups.length > 0 || within !== null;
  return !narrowed && origin !== "generated" && minPercentile === 0;
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
