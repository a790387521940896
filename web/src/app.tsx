import { lazy, Suspense, useCallback, useEffect, useState, type MouseEvent } from "react";

import { usePageDrop } from "@/add/page-drop";
import { useDocument } from "@/documents/current";
import { moveEarlierSaves } from "@/find/feedback";
import { useJobs } from "@/jobs/store";
import { later } from "@/lib/later";
import { useShortcuts } from "@/pad/shortcuts";
import { AskForKey } from "@/shell/ask-for-key";
import { Header } from "@/shell/header";
import { useKeptFocus } from "@/shell/kept-focus";
import { Preparing } from "@/shell/preparing";
import { UnavailableBanner, useReachable } from "@/shell/reachable";
import { Studio } from "@/shell/studio";
import { focusWords } from "@/state/layout";
import { usePlace, type Place } from "@/state/place";
import { useSession } from "@/state/session";
import type { Dropped } from "@/ui/dropped-files";

const AddPicturesDialog = lazy(async () => ({
  default: (await later(() => import("@/add/dialog"))).AddPicturesDialog,
}));
const HelpDialog = lazy(async () => ({
  default: (await later(() => import("@/shell/help"))).HelpDialog,
}));
const KeysDialog = lazy(async () => ({
  default: (await later(() => import("@/shell/keys"))).KeysDialog,
}));
const AdminView = lazy(() => later(() => import("@/admin/view")));
const BenchView = lazy(() => later(() => import("@/bench/view")));
const BoardsView = lazy(() => later(() => import("@/boards/view")));
const HistoryView = lazy(() => later(() => import("@/history/view")));
const MapView = lazy(() => later(() => import("@/map/view")));
const SharedView = lazy(() => later(() => import("@/boards/shared")));

export function App() {
  const place = usePlace();
  const reachable = useReachable();
  const [help, setHelp] = useState(false);
  const [adding, setAdding] = useState<Dropped | "nothing yet" | null>(null);
  const showHelp = useCallback(() => setHelp(true), []);
  // Visitors with a link see one board, and nothing else.
  const visiting = place === "shared";
  useShortcuts({ onHelp: showHelp, onSearch: focusWords });
  usePageDrop(setAdding);
  useTheme();
  useKeptFocus();
  useEffect(() => {
    void useDocument.getState().restore();
    void useJobs.getState().restore();
  }, []);
  useEffect(() => {
    // Without a key, or without the server, they stay here for the next time.
    if (!visiting) moveEarlierSaves().catch(() => undefined);
  }, [visiting]);

  return (
    <>
      <div className="flex h-dvh flex-col">
        <SkipLink />
        {!visiting && (
          <Header onAdd={() => setAdding("nothing yet")} onHelp={showHelp} />
        )}
        {!reachable && <UnavailableBanner />}
        {!visiting && <Preparing />}
        <main id="main" tabIndex={-1} className="flex min-h-0 flex-1 flex-col outline-none">
          <Suspense fallback={<Loading />}>
            <View place={place} />
          </Suspense>
        </main>
      </div>
      <Suspense fallback={null}>
        <KeysDialog />
        {adding !== null && (
          <AddPicturesDialog
            dropped={adding === "nothing yet" ? null : adding}
            onClose={() => setAdding(null)}
          />
        )}
        {help && <HelpDialog onClose={() => setHelp(false)} />}
      </Suspense>
    </>
  );
}

function View({ place }: { place: Place }) {
  switch (place) {
    case "bench":
      return <BenchView />;
    case "boards":
      return <BoardsView />;
    case "shared":
      return <SharedView />;
    case "history":
      return <HistoryView />;
    case "map":
      return <MapView />;
    case "admin":
      return <AdminView />;
    case "studio":
      return (
        <>
          <h1 className="sr-only">Studio</h1>
          <AskForKey />
          <Studio />
        </>
      );
  }
}

function Loading() {
  return (
    <p role="status" className="p-8 text-center text-soft">
      Loading…
    </p>
  );
}

/** The address holds the view, so that the link moves the focus without changing it. */
function SkipLink() {
  const skip = (event: MouseEvent) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return (
    <a
      href="#main"
      className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50
        focus:rounded-md focus:bg-solid focus:px-3 focus:py-2 focus:text-on-solid"
      onClick={skip}
    >
      Skip to the content
    </a>
  );
}

function useTheme(): void {
  const theme = useSession((session) => session.theme);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
}
