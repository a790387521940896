import { Images, Palette, PenTool, Search, Wand2 } from "lucide-react";
import { Tabs } from "radix-ui";
import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

import { FindPanel } from "@/find/panel";
import { useJobs } from "@/jobs/store";
import { isOver } from "@/jobs/view";
import { cn } from "@/lib/classes";
import { tabStorage } from "@/lib/tab-storage";
import { MakePanel } from "@/make/panel";
import { Pad } from "@/pad/pad";
import { TrayPanel } from "@/tray/panel";
import { useTray } from "@/tray/tray";

type Tab = "find" | "make";
/** A phone has room for one thing at a time. */
type Sheet = "draw" | Tab | "references";

interface Bench {
  tab: Tab;
  sheet: Sheet;
  show: (sheet: Sheet) => void;
}

const useBench = create<Bench>()(
  persist(
    (set) => ({ tab: "find", sheet: "draw", show: (sheet) => set(sheet === "find" || sheet === "make" ? { sheet, tab: sheet } : { sheet }) }),
    { name: "clippy.bench", version: 1, storage: createJSONStorage(() => tabStorage) },
  ),
);

/** The artist's bench: the pad and the references on one side, finding and making on the other. */
export function Studio() {
  const { tab, sheet, show } = useBench();
  const references = useTray((tray) => tray.references.length);
  const running = useJobs(({ views, recent }) => recent.filter((id) => views[id] !== undefined && !isOver(views[id].job)).length);
  const hidden = (is: boolean) => !is && "max-lg:hidden";

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] gap-2 p-2 max-lg:p-0 lg:grid-cols-[minmax(22rem,5fr)_minmax(24rem,6fr)]">
        <div className={cn("grid min-h-0 min-w-0 grid-cols-[minmax(0,1fr)] grid-rows-[minmax(0,1fr)_auto] gap-2 max-lg:gap-0", hidden(sheet === "draw" || sheet === "references"))}>
          <Pad className={cn("rounded-lg border bg-panel max-lg:rounded-none max-lg:border-0", hidden(sheet === "draw"))} />
          <TrayPanel className={cn("h-[11.5rem] rounded-lg border bg-panel max-lg:h-auto max-lg:rounded-none max-lg:border-0", sheet === "references" ? "max-lg:row-span-2" : "max-lg:hidden")} />
        </div>
        <Tabs.Root
          value={tab}
          onValueChange={(next) => show(next === "make" ? "make" : "find")}
          className={cn("flex min-h-0 min-w-0 flex-col rounded-lg border bg-panel max-lg:rounded-none max-lg:border-0", hidden(sheet === "find" || sheet === "make"))}
        >
          <Tabs.List aria-label="Bench" className="flex gap-5 border-b px-4 max-lg:hidden">
            <TabButton value="find"><Search />Find</TabButton>
            <TabButton value="make"><Wand2 />Generate{running > 0 && <Badge>{running}</Badge>}</TabButton>
          </Tabs.List>
          {/* Both stay, so that words, results and scrolling are where they were. */}
          <Tabs.Content value="find" forceMount tabIndex={-1} className="min-h-0 flex-1 data-[state=inactive]:hidden"><FindPanel className="h-full" /></Tabs.Content>
          <Tabs.Content value="make" forceMount tabIndex={-1} className="min-h-0 flex-1 data-[state=inactive]:hidden"><MakePanel className="h-full" /></Tabs.Content>
        </Tabs.Root>
      </div>
      <nav aria-label="Bench" className="grid grid-cols-4 border-t bg-panel pb-[env(safe-area-inset-bottom)] lg:hidden">
        <SheetButton chosen={sheet === "draw"} onClick={() => show("draw")}><PenTool />Draw</SheetButton>
        <SheetButton chosen={sheet === "find"} onClick={() => show("find")}><Images />Find</SheetButton>
        <SheetButton chosen={sheet === "references"} onClick={() => show("references")}><Palette />References{references > 0 && <Badge>{references}</Badge>}</SheetButton>
        <SheetButton chosen={sheet === "make"} onClick={() => show("make")}><Wand2 />Generate{running > 0 && <Badge>{running}</Badge>}</SheetButton>
      </nav>
    </div>
  );
}

function Badge({ children }: { children: number }) {
  return <span className="tabular inline-flex h-4 min-w-4 items-center justify-center rounded-full bg-blue px-1 text-2xs font-semibold text-panel">{children}</span>;
}

function TabButton({ value, children }: { value: Tab; children: React.ReactNode }) {
  return (
    <Tabs.Trigger
      value={value}
      className="-mb-px flex h-11 items-center gap-1.5 border-b-2 border-transparent font-medium text-soft hover:text-ink data-[state=active]:border-ink data-[state=active]:text-ink [&_svg]:size-4"
    >
      {children}
    </Tabs.Trigger>
  );
}

function SheetButton({ chosen, onClick, children }: { chosen: boolean; onClick: () => void; children: React.ReactNode }) {
  return (
    <button
      type="button"
      aria-current={chosen ? "true" : undefined}
      onClick={onClick}
      className={cn("relative flex h-14 flex-col items-center justify-center gap-1 text-2xs font-medium text-soft [&_svg]:size-5 [&>span]:absolute [&>span]:top-1.5 [&>span]:left-[calc(50%+0.5rem)]", chosen && "text-ink [&_svg]:text-blue")}
    >
      {children}
    </button>
  );
}
