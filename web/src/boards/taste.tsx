import { useMutation, useQuery } from "@tanstack/react-query";
import { RotateCcw, Sparkles, X } from "lucide-react";
import { useState } from "react";

import { api, body, type Schemas } from "@/api/client";
import { queryClient } from "@/api/query-client";
import { percent, plural, words } from "@/lib/format";
import { useSession } from "@/state/session";
import { Button } from "@/ui/button";
import { Slider } from "@/ui/controls";
import { Dialog } from "@/ui/overlays";
import { Empty, Failure, Notice } from "@/ui/states";

type Profile = Schemas["ProfileResponse"];
type Kind = "tags" | "styles";

/** The server's limit of tags, and of styles, in one answer. */
const MOST = 200;

/** New weights by name; null forgets a name. */
type Edit = Partial<Record<Kind, Record<string, number | null>>>;

function useTaste() {
  const artist = useSession((session) => session.artist);
  const key = ["profile", artist];
  const profile = useQuery({
    queryKey: key,
    queryFn: async (): Promise<Profile> => {
      const query = { user_id: artist, top: MOST };
      return body(await api.GET("/api/profile", { params: { query } }));
    },
    staleTime: 0,
  });
  const shown = (answer: Profile) => {
    queryClient.setQueryData(key, answer);
    // The ranking follows the taste.
    void queryClient.invalidateQueries({ queryKey: ["search"] });
  };
  const edit = useMutation({
    mutationFn: async (change: Edit): Promise<Profile> =>
      body(await api.PATCH("/api/profile", { body: { user_id: artist, ...change } })),
    onSuccess: shown,
  });
  const reset = useMutation({
    mutationFn: async (): Promise<Profile> =>
      body(await api.DELETE("/api/profile", { params: { query: { user_id: artist } } })),
    onSuccess: shown,
  });
  return { profile, edit, reset };
}

/** What the server learned from this browser's clicks and hearts: to see, to edit, to forget. */
export function TasteView() {
  const { profile, edit, reset } = useTaste();
  const { data, error, refetch } = profile;
  if (error !== null) return <Failure error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return null;
  const isEmpty = Object.keys(data.tags).length + Object.keys(data.styles).length === 0;
  const failure = edit.error ?? reset.error;
  return (
    <section aria-label="Your taste" className="flex flex-col gap-5 p-4">
      <div className="flex flex-wrap items-start gap-3">
        <div className="min-w-0 flex-1">
          <h2 className="text-lg font-semibold tracking-tight">Your taste</h2>
          <p className="max-w-prose text-soft">
            Learned from {plural(data.counts.clicked, "picture")} that you opened and{" "}
            {data.counts.saved} with a heart. Results with these tags come a little earlier.
          </p>
        </div>
        {!isEmpty && <Reset onReset={() => reset.mutate()} />}
      </div>
      {failure !== null && <Notice error={failure} />}
      {isEmpty ? (
        <Empty icon={<Sparkles />} title="Nothing learned yet">
          Open results, or give them a heart. What you like appears here.
        </Empty>
      ) : (
        <div className="grid gap-6 lg:grid-cols-2">
          <Weights kind="tags" title="Tags" weights={data.tags} onEdit={edit.mutate} />
          <Weights kind="styles" title="Styles" weights={data.styles} onEdit={edit.mutate} />
        </div>
      )}
    </section>
  );
}

interface WeightsProps {
  kind: Kind;
  title: string;
  weights: Profile["tags"];
  onEdit: (change: Edit) => void;
}

function Weights({ kind, title, weights, onEdit }: WeightsProps) {
  const names = Object.entries(weights).toSorted(([, one], [, other]) => other - one);
  if (names.length === 0) return null;
  return (
    <div>
      <h3 className="label-caps mb-2">{title}</h3>
      <ul aria-label={title} className="flex flex-col gap-1">
        {names.map(([name, weight]) => (
          <Weight
            key={name}
            name={name}
            weight={weight}
            onSet={(next) => onEdit({ [kind]: { [name]: next } })}
          />
        ))}
      </ul>
    </div>
  );
}

interface WeightProps {
  name: string;
  weight: number;
  onSet: (weight: number | null) => void;
}

function Weight({ name, weight, onSet }: WeightProps) {
  const [sliding, setSliding] = useState<number | null>(null);
  const shown = sliding ?? weight;
  return (
    <li className="grid grid-cols-[8rem_minmax(0,1fr)_2.5rem_auto] items-center gap-3">
      <span className="truncate text-[0.8125rem]" title={words(name)}>
        {words(name)}
      </span>
      <Slider
        label={`How much you like ${words(name)}`}
        value={shown}
        step={0.01}
        valueText={percent(shown)}
        onChange={setSliding}
        onCommit={(next) => {
          setSliding(null);
          onSet(next);
        }}
      />
      <span className="tabular text-right text-xs text-soft">{percent(shown)}</span>
      <Button
        look="ghost"
        size="icon-tiny"
        aria-label={`Forget ${words(name)}`}
        onClick={() => onSet(null)}
      >
        <X />
      </Button>
    </li>
  );
}

function Reset({ onReset }: { onReset: () => void }) {
  const [asked, setAsked] = useState(false);
  return (
    <>
      <Button size="small" look="danger" onClick={() => setAsked(true)}>
        <RotateCcw />
        Forget everything
      </Button>
      <Dialog
        open={asked}
        onClose={() => setAsked(false)}
        title="Forget your taste?"
        description="Results are no longer shaped by it, until you open or save pictures again. Your
          boards stay."
      >
        <div className="flex justify-end gap-2">
          <Button onClick={() => setAsked(false)}>Keep it</Button>
          <Button
            look="destructive"
            onClick={() => {
              setAsked(false);
              onReset();
            }}
          >
            Forget everything
          </Button>
        </div>
      </Dialog>
    </>
  );
}
