import { Images, Palette, PenTool, Search, Wand2 } from "lucide-react";
import { Tabs } from "radix-ui";
import { lazy, Suspense, type ReactNode } from "react";

import { useJobs } from "@/jobs/store";
import { isOver } from "@/jobs/view";
import { cn } from "@/lib/classes";
import { later } from "@/lib/later";
import { Pad } from "@/pad/pad";
import { useReferences } from "@/references/store";
import { useLayout, type Sheet, type Tab } from "@/state/layout";

import { useUnseen } from "./progress";

// The pad is needed first, and these are loaded while it is shown.
const DocumentBar = lazy(async () => ({
  default: (await later(() => import("@/documents/bar"))).DocumentBar,
}));
const FindPanel = lazy(async () => ({
  default: (await later(() => import("@/find/panel"))).FindPanel,
}));
const MakePanel = lazy(async () => ({
  default: (await later(() => import("@/make/panel"))).MakePanel,
}));
const TrayPanel = lazy(async () => ({
  default: (await later(() => import("@/tray/panel"))).TrayPanel,
}));

const PANEL = "rounded-lg border bg-panel max-lg:rounded-none max-lg:border-0";

/**
 * The drawing and the references on one side, searching and generating on the other. A narrow
 * screen shows one panel at a time; a phone held across keeps both sides.
 */
export function Studio() {
  const sheet = useLayout((layout) => layout.sheet);
  const hiddenUnless = (...shown: Sheet[]) => !shown.includes(sheet) && "max-lg:hidden";
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div
        className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] gap-2 p-2 max-lg:p-0
          lg:grid-cols-[minmax(22rem,5fr)_minmax(24rem,6fr)]
          landscape-phone:grid-cols-[minmax(0,1fr)_minmax(0,1fr)] landscape-phone:divide-x"
      >
        <div
          className={cn(
            "grid min-h-0 min-w-0 grid-cols-[minmax(0,1fr)] grid-rows-[minmax(0,1fr)_auto] gap-2",
            "max-lg:gap-0",
            hiddenUnless("draw", "references"),
            "landscape-phone:grid",
          )}
        >
          <Pad
            className={cn(
              PANEL,
              hiddenUnless("draw"),
              sheet !== "references" && "landscape-phone:flex",
            )}
            bar={
              <Suspense fallback={<div className="h-10 border-b landscape-phone:h-8" />}>
                <DocumentBar />
              </Suspense>
            }
          />
          <Suspense fallback={<div className={cn(PANEL, "h-[11.5rem] max-lg:hidden")} />}>
            <TrayPanel
              className={cn(
                PANEL,
                "h-[11.5rem] max-lg:h-auto",
                sheet === "references" ? "max-lg:row-span-2" : "max-lg:hidden",
              )}
            />
          </Suspense>
        </div>
        <Tasks className={cn(PANEL, hiddenUnless("find", "make"), "landscape-phone:flex")} />
      </div>
      <SheetButtons />
    </div>
  );
}

/** How many of the recent jobs are not over. */
function useRunning(): number {
  return useJobs(({ views, recent }) => {
    const shown = recent.flatMap((id) => views[id] ?? []);
    return shown.filter(({ job }) => !isOver(job)).length;
  });
}

const TAB_CONTENT = "min-h-0 flex-1 data-[state=inactive]:hidden";

function Tasks({ className }: { className?: string }) {
  const { tab, show } = useLayout();
  return (
    <Tabs.Root
      value={tab}
      onValueChange={(next) => show(next === "make" ? "make" : "find")}
      className={cn("flex min-h-0 min-w-0 flex-col", className)}
    >
      <Tabs.List aria-label="Tasks" className="flex gap-5 border-b px-4 max-lg:hidden">
        <TabButton value="find">
          <Search />
          Find
        </TabButton>
        <TabButton value="make">
          <Wand2 />
          Generate
          <Badge count={useRunning()} />
        </TabButton>
      </Tabs.List>
      {/* Both stay mounted, which keeps their results and scroll positions. */}
      <Tabs.Content value="find" forceMount tabIndex={-1} className={TAB_CONTENT}>
        <Suspense fallback={null}>
          <FindPanel className="h-full" />
        </Suspense>
      </Tabs.Content>
      <Tabs.Content value="make" forceMount tabIndex={-1} className={TAB_CONTENT}>
        <Suspense fallback={null}>
          <MakePanel className="h-full" />
        </Suspense>
      </Tabs.Content>
    </Tabs.Root>
  );
}

function TabButton({ value, children }: { value: Tab; children: ReactNode }) {
  return (
    <Tabs.Trigger
      value={value}
      className="-mb-px flex h-11 items-center gap-1.5 border-b-2 border-transparent font-medium
        text-soft hover:text-ink data-[state=active]:border-ink data-[state=active]:text-ink
        [&_svg]:size-4"
    >
      {children}
    </Tabs.Trigger>
  );
}

/** The panels, on narrow screens. */
function SheetButtons() {
  const references = useReferences((state) => state.references.length);
  const running = useRunning();
  const unseen = useUnseen(({ jobs }) => jobs.length > 0);
  return (
    <nav
      aria-label="Panels"
      className="grid grid-cols-4 border-t bg-panel pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      <SheetButton sheet="draw">
        <PenTool />
        Draw
      </SheetButton>
      <SheetButton sheet="find">
        <Images />
        Find
      </SheetButton>
      <SheetButton sheet="references">
        <Palette />
        References
        <Badge count={references} />
      </SheetButton>
      <SheetButton sheet="make">
        <Wand2 />
        Generate
        {running === 0 && unseen ? <News /> : <Badge count={running} />}
      </SheetButton>
    </nav>
  );
}

function SheetButton({ sheet, children }: { sheet: Sheet; children: ReactNode }) {
  const { sheet: current, show } = useLayout();
  return (
    <button
      type="button"
      aria-current={sheet === current ? "true" : undefined}
      onClick={() => show(sheet)}
      className={cn(
        "relative flex h-14 flex-col items-center justify-center gap-1 text-2xs font-medium",
        "landscape-phone:h-9 landscape-phone:flex-row landscape-phone:gap-2",
        "text-soft [&_svg]:size-5",
        "[&>span]:absolute [&>span]:top-1.5 [&>span]:left-[calc(50%+0.5rem)]",
        sheet === current && "text-ink [&_svg]:text-blue",
      )}
    >
      {children}
    </button>
  );
}

/** Pictures that were not seen yet. */
function News() {
  return (
    <span className="size-2.5 rounded-full bg-green">
      <span className="sr-only">New pictures</span>
    </span>
  );
}

function Badge({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span
      className="tabular inline-flex h-4 min-w-4 items-center justify-center rounded-full bg-blue
        px-1 text-2xs font-semibold text-panel"
    >
      {count}
    </span>
  );
}
