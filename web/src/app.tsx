import { lazy, Suspense, useCallback, useEffect, useState } from "react";

import { useDocument } from "@/documents/current";
import { useJobs } from "@/jobs/store";
import { SHORTCUTS, usePadShortcuts } from "@/pad/shortcuts";
import { Header } from "@/shell/header";
import { KeysDialog } from "@/shell/keys";
import { usePlace } from "@/shell/place";
import { Preparing } from "@/shell/preparing";
import { AwayBanner, useReachable } from "@/shell/reachable";
import { Studio } from "@/shell/studio";
import { useSession } from "@/state/session";
import { Dialog, TipProvider } from "@/ui/overlays";

const AdminView = lazy(() => import("@/admin/view"));
const HistoryView = lazy(() => import("@/history/view"));

export function App() {
  const place = usePlace();
  const reachable = useReachable();
  const theme = useSession((session) => session.theme);
  const [help, setHelp] = useState(false);
  const showHelp = useCallback(() => setHelp(true), []);
  usePadShortcuts(showHelp);

  useEffect(() => {
    void useDocument.getState().restore();
    void useJobs.getState().restore();
  }, []);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);

  return (
    <TipProvider delayDuration={400}>
      <div className="flex h-dvh flex-col">
        <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-solid focus:px-3 focus:py-2 focus:text-on-solid" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the work</a>
        <Header onHelp={showHelp} />
        {!reachable && <AwayBanner />}
        <Preparing />
        <main id="main" tabIndex={-1} className="flex min-h-0 flex-1 flex-col outline-none">
          {place === "studio" && <h1 className="sr-only">Studio</h1>}
          {place === "studio" ? (
            <Studio />
          ) : (
            <Suspense fallback={<p role="status" className="p-8 text-center text-soft">Loading…</p>}>{place === "history" ? <HistoryView /> : <AdminView />}</Suspense>
          )}
        </main>
      </div>
      <KeysDialog />
      {help && (
        <Dialog open onClose={() => setHelp(false)} title="Keys">
          <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-2">
            {SHORTCUTS.map(([keys, does]) => (
              <div key={keys} className="contents">
                <dt><kbd className="rounded-sm border border-line bg-well px-1.5 py-0.5 font-sans text-xs">{keys}</kbd></dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
    </TipProvider>
  );
}
