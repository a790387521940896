import { create } from "zustand";

import { Segments } from "@/ui/controls";

import { JobList } from "./jobs";
import { PictureList } from "./pictures";

type Shown = "pictures" | "jobs";

/** It stays as it is while another view is shown. */
const useShown = create<{ shown: Shown }>()(() => ({ shown: "pictures" }));

/** The generated pictures, and the jobs that generate them. */
export default function HistoryView() {
  const { shown } = useShown();
  return (
    <div className="scroll-slim relative h-full overflow-y-auto">
      <div className="mx-auto flex max-w-6xl flex-col gap-4 p-5 max-sm:p-3">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 className="text-lg font-semibold tracking-tight">History</h1>
          <Segments
            label="What is listed"
            value={shown}
            onChange={(next) => useShown.setState({ shown: next })}
            choices={[
              { value: "pictures", label: "Pictures" },
              { value: "jobs", label: "Jobs" },
            ]}
          />
        </div>
        {shown === "pictures" ? <PictureList /> : <JobList />}
      </div>
    </div>
  );
}
