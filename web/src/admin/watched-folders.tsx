import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, body, type WatchedFolder } from "@/api/client";
import { queryClient } from "@/api/query-client";
import { cn } from "@/lib/classes";
import { ago } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { Button } from "@/ui/button";
import { Field, Input, Switch } from "@/ui/controls";
import { Failure, Notice, Skeleton } from "@/ui/states";

const WATCHED = ["watched"];

const STATES: Readonly<Record<string, string>> = {
  starting: "starting",
  events: "watched",
  polling: "looked at now and then",
  away: "away: its pictures stay as they are",
  off: "not watched",
};

interface Switched {
  path: string;
  on: boolean;
}

/** Switches the watching of a folder on or off. */
async function switchWatching(request: Switched): Promise<WatchedFolder> {
  return body(await api.POST("/api/admin/watch", { body: request }));
}

/** The folders whose changes the server adds by itself. */
export function WatchedFolders() {
  const now = useNow();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: WATCHED,
    queryFn: async () => body(await api.GET("/api/admin/watch")),
    refetchInterval: 5000,
  });
  const switching = useMutation({
    mutationFn: switchWatching,
    onSettled: () => queryClient.invalidateQueries({ queryKey: WATCHED }),
  });
  return (
    <section
      aria-label="Watched folders"
      className="flex flex-col gap-4 rounded-lg border bg-panel p-4"
    >
      <h2 className="font-semibold tracking-tight">Watched folders</h2>
      <p className="-mt-1 text-[0.8125rem] text-soft">
        New and changed pictures in these folders are added by themselves. A picture whose file is
        deleted is marked as missing.
      </p>
      {isPending ? (
        <Skeleton className="h-10" />
      ) : data === undefined ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : (
        data.folders.length > 0 && (
          <ul className="flex flex-col gap-3">
            {data.folders.map((folder) => (
              <Row
                key={folder.path}
                folder={folder}
                now={now}
                busy={switching.isPending}
                onSwitch={(on) => switching.mutate({ path: folder.path, on })}
              />
            ))}
          </ul>
        )
      )}
      <WatchForm
        busy={switching.isPending}
        onWatch={(path) => switching.mutate({ path, on: true })}
      />
      {switching.error !== null && <Notice error={switching.error} />}
    </section>
  );
}

interface RowProps {
  folder: WatchedFolder;
  now: number;
  busy: boolean;
  onSwitch: (on: boolean) => void;
}

function Row({ folder, now, busy, onSwitch }: RowProps) {
  const { path, state, reason, last_change: changed, last_error: failure } = folder;
  const needsCare = state === "away" || failure != null;
  return (
    <li className="flex flex-col gap-1" data-state={state}>
      <Switch
        id={`watch ${path}`}
        label={<span className="break-all">{path}</span>}
        checked={state !== "off"}
        disabled={busy}
        onChange={onSwitch}
      />
      <span className={cn("pl-10 text-xs", needsCare ? "text-amber" : "text-soft")}>
        {STATES[state] ?? state}
        {reason != null && ` (${reason})`}
        {changed != null && `; last change ${ago(new Date(changed * 1000).toISOString(), now)}`}
        {folder.job != null && "; adding changes"}
      </span>
      {failure != null && <span className="pl-10 text-xs text-ruby">{failure}</span>}
    </li>
  );
}

interface FormProps {
  busy: boolean;
  onWatch: (path: string) => void;
}

function WatchForm({ busy, onWatch }: FormProps) {
  const [path, setPath] = useState("");
  return (
    <form
      aria-label="Watch a folder"
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        onWatch(path.trim());
        setPath("");
      }}
    >
      <Field label="Watch another folder" htmlFor="watch-path" hint="One that was added before">
        <Input
          id="watch-path"
          spellCheck={false}
          placeholder="/home/ann/Pictures"
          value={path}
          onChange={(event) => setPath(event.target.value)}
        />
      </Field>
      <Button type="submit" className="self-start" disabled={busy || path.trim() === ""}>
        Watch
      </Button>
    </form>
  );
}
