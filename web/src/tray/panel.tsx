import { ImagePlus, Sparkles, Trash2, X } from "lucide-react";
import { useRef, useState, type DragEvent } from "react";

import { suggestedReferences } from "@/api/later";
import { picturePath } from "@/api/pictures";
import type { Provider, Support } from "@/api/providers";
import { useFeatures } from "@/api/queries";
import { asks, queryOf, useQueryState } from "@/find/query";
import { searchForm } from "@/find/search";
import { cn } from "@/lib/classes";
import { draggedPicture, pictureFiles, takes } from "@/lib/drag";
import { percent, plural, words } from "@/lib/format";
import { searchedPart } from "@/pad/fingerprint";
import { baseOf } from "@/pad/paint";
import { drawingNow, usePad } from "@/pad/store";
import { useSession } from "@/state/session";
import { useProvider } from "@/make/provider";
import { Button } from "@/ui/button";
import { Segments, Slider } from "@/ui/controls";
import { Tip } from "@/ui/overlays";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { honourOf, MOST_REFERENCES, useTray, type Reference } from "./tray";

/** Providers look at references in less detail than at a base. */
const LARGEST_REFERENCE = 1024;

/** The references, which results are dragged into. */
export function TrayPanel({ className }: { className?: string }) {
  const tray = useTray();
  const provider = useProvider();
  const [over, setOver] = useState(false);
  const [fault, setFault] = useState<unknown>(null);
  const file = useRef<HTMLInputElement>(null);

  const addFiles = async (files: readonly File[]) => {
    setFault(null);
    for (const own of files) {
      const { url } = await baseOf(own, own.name, LARGEST_REFERENCE);
      tray.add({ source: { kind: "own", url }, title: own.name, role: "subject" });
    }
  };
  const dropped = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const picture = draggedPicture(event);
    const files = pictureFiles(event.dataTransfer);
    if (picture !== null) tray.add({ source: { kind: "gallery", id: picture.id }, title: picture.title, licence: picture.licence });
    else addFiles(files).catch(setFault);
  };

  return (
    <section
      aria-label="References"
      className={cn("flex min-h-0 flex-col", over && "rounded-lg outline-2 -outline-offset-4 outline-blue outline-dashed", className)}
      onDragOver={(event) => {
        if (!takes(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={dropped}
    >
      <div className="flex h-11 shrink-0 items-center gap-2 px-3">
        <h2 className="font-semibold tracking-tight">References</h2>
        <span className="tabular text-xs text-soft" role="status">{tray.references.length === 0 ? "" : `${tray.references.length} of ${Math.min(MOST_REFERENCES, provider?.maxReferences ?? MOST_REFERENCES)}`}</span>
        <div className="ml-auto flex items-center gap-0.5">
          <Suggest provider={provider} onFault={setFault} />
          <Tip text="Add a picture of your own">
            <Button look="ghost" size="icon-small" aria-label="Add a picture of your own" onClick={() => file.current?.click()}><ImagePlus /></Button>
          </Tip>
          <input
            ref={file}
            type="file"
            accept="image/*"
            multiple
            className="hidden"
            aria-label="Reference pictures"
            tabIndex={-1}
            onChange={(event) => {
              addFiles(Array.from(event.target.files ?? [])).catch(setFault);
              event.target.value = "";
            }}
          />
          {tray.references.length > 0 && (
            <Tip text="Take all away">
              <Button look="ghost" size="icon-small" aria-label="Take all references away" onClick={tray.clear}><Trash2 /></Button>
            </Tip>
          )}
        </div>
      </div>
      {fault !== null && <Notice error={fault} className="mx-3 mb-2" />}
      {tray.references.length === 0 ? (
        <p className="mx-3 mb-3 flex min-h-16 flex-1 items-center text-balance max-lg:max-h-48 justify-center rounded-md border border-dashed border-edge/60 px-4 text-center text-[0.8125rem] text-soft">
          Drag results here, or use the + on them. Style references give look, subject references what is shown.
        </p>
      ) : (
        <ul aria-label="References in use" className="scroll-slim flex min-h-0 flex-1 gap-2 overflow-x-auto px-3 pb-3 max-lg:flex-col max-lg:overflow-y-auto">
          {tray.references.map((reference) => (
            <Item key={reference.key} reference={reference} references={tray.references} provider={provider} />
          ))}
        </ul>
      )}
    </section>
  );
}

const SHOWN = "h-full min-h-20 w-20 shrink-0 rounded-sm max-lg:w-28 bg-well object-cover";
const DOTS: Record<Support, string> = { yes: "bg-green", approximate: "bg-amber", no: "bg-ruby" };
const SAID: Record<Support, string> = { yes: "Honoured", approximate: "Approximated", no: "Dropped" };

function Item({ reference, references, provider }: { reference: Reference; references: readonly Reference[]; provider: Provider | null }) {
  const { change, remove } = useTray();
  const { source, role, weight } = reference;
  const title = words(reference.title);
  const honour = provider === null ? null : honourOf(provider, references, reference);
  return (
    <li className="flex w-[13.5rem] shrink-0 max-lg:h-32 max-lg:w-full gap-2.5 rounded-md border border-line bg-raised p-2">
      {source.kind === "gallery"
        ? <Picture path={picturePath({ id: source.id }, 256)} alt={title} title={reference.reason ?? title} className={SHOWN} />
        : <img src={source.url} alt={title} title={reference.reason ?? title} className={SHOWN} />}
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <div className="flex items-center gap-1">
          <span className="min-w-0 flex-1 truncate text-xs font-medium" title={title}>{title}</span>
          <button type="button" aria-label={`Take ${title} away`} className="-m-1 rounded-sm p-1 text-soft hover:text-ink" onClick={() => remove(reference.key)}><X className="size-3.5" /></button>
        </div>
        <Segments
          small
          className="w-full"
          label={`Role of ${title}`}
          value={role}
          onChange={(next) => change(reference.key, { role: next })}
          choices={[{ value: "style", label: "Style" }, { value: "subject", label: "Subject" }]}
        />
        <div className="flex items-center gap-2">
          <Slider label={`Weight of ${title}`} value={weight} valueText={percent(weight)} onChange={(next) => change(reference.key, { weight: next })} className="h-5" />
          <span className="tabular w-8 text-right text-2xs text-soft">{percent(weight)}</span>
        </div>
        {honour !== null && (
          <p className="flex items-center gap-1.5 text-2xs text-soft" title={honour.note}>
            <span aria-hidden className={cn("size-1.5 shrink-0 rounded-full", DOTS[honour.support])} />
            <span className="truncate">{SAID[honour.support]}<span className="sr-only">: {honour.note}</span></span>
          </p>
        )}
      </div>
    </li>
  );
}

/** References for what is searched, chosen by the server with reasons. */
function Suggest({ provider, onFault }: { provider: Provider | null; onFault: (error: unknown) => void }) {
  const { features } = useFeatures();
  const state = useQueryState();
  const artist = useSession((session) => session.artist);
  const drawing = usePad(({ history }) => history.present);
  const [busy, setBusy] = useState(false);
  const [added, setAdded] = useState(0);
  if (!features.suggest) return null;
  const query = queryOf(state);
  const suggest = async () => {
    setBusy(true);
    onFault(null);
    try {
      const form = await searchForm(query, drawingNow(), artist, features, null);
      const suggestions = await suggestedReferences(form, provider?.name ?? "");
      const { add } = useTray.getState();
      for (const { id, ...suggested } of suggestions) add({ source: { kind: "gallery", id }, ...suggested });
      setAdded(suggestions.length);
    } catch (error) {
      onFault(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <span role="status" className="sr-only">{added > 0 ? `${plural(added, "reference")} suggested` : ""}</span>
      <Button look="ghost" size="small" disabled={busy || !asks(query, searchedPart(drawing) !== null)} onClick={() => void suggest()}>
        <Sparkles />{busy ? "Choosing…" : "Suggest a set"}
      </Button>
    </>
  );
}
