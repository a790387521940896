import { lazy, Suspense, useCallback, useEffect, useState, type MouseEvent } from "react";

import { AddPicturesDialog } from "@/add/dialog";
import { useDocument } from "@/documents/current";
import { useJobs } from "@/jobs/store";
import { usePadShortcuts } from "@/pad/shortcuts";
import { AskForKey } from "@/shell/ask-for-key";
import { Header } from "@/shell/header";
import { HelpDialog } from "@/shell/help";
import { KeysDialog } from "@/shell/keys";
import { Preparing } from "@/shell/preparing";
import { UnavailableBanner, useReachable } from "@/shell/reachable";
import { Studio } from "@/shell/studio";
import { usePlace, type Place } from "@/state/place";
import { useSession } from "@/state/session";
import { TipProvider } from "@/ui/overlays";

const AdminView = lazy(() => import("@/admin/view"));
const HistoryView = lazy(() => import("@/history/view"));

export function App() {
  const place = usePlace();
  const reachable = useReachable();
  const [help, setHelp] = useState(false);
  const [adding, setAdding] = useState(false);
  const showHelp = useCallback(() => setHelp(true), []);
  usePadShortcuts(showHelp);
  useTheme();
  useEffect(() => {
    void useDocument.getState().restore();
    void useJobs.getState().restore();
  }, []);

  return (
    <TipProvider delayDuration={400}>
      <div className="flex h-dvh flex-col">
        <SkipLink />
        <Header onAdd={() => setAdding(true)} onHelp={showHelp} />
        {!reachable && <UnavailableBanner />}
        <Preparing />
        <main id="main" tabIndex={-1} className="flex min-h-0 flex-1 flex-col outline-none">
          <Suspense fallback={<Loading />}>
            <View place={place} />
          </Suspense>
        </main>
      </div>
      <KeysDialog />
      {adding && <AddPicturesDialog onClose={() => setAdding(false)} />}
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </TipProvider>
  );
}

function View({ place }: { place: Place }) {
  switch (place) {
    case "history":
      return <HistoryView />;
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
