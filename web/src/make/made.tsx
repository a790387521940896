import { useQuery } from "@tanstack/react-query";
import { Download, Layers, PaintBucket, SquarePen } from "lucide-react";
import { useState } from "react";

import { request, type Job } from "@/api/client";
import { receiptOf } from "@/api/providers";
import { address, useTickets } from "@/api/tickets";
import { picturesOf, promptOf } from "@/jobs/store";
import { at } from "@/lib/address";
import { baseOf } from "@/pad/paint";
import { loadBaseFrom } from "@/pad/load";
import { goTo } from "@/shell/place";
import { useTray } from "@/tray/tray";
import { Button } from "@/ui/button";
import { Segments } from "@/ui/controls";
import { Dialog } from "@/ui/overlays";
import { Picture } from "@/ui/picture";
import { Notice } from "@/ui/states";

import { Compare } from "./compare";
import { readMadeFrom } from "./made-from";
import { ReceiptList } from "./receipt";

/** A made picture at large: compared with the sketch, taken further, with its receipt. */
export function Made({ job, index, onIndex, onClose }: { job: Job; index: number; onIndex: (index: number) => void; onClose: () => void }) {
  const pictures = picturesOf(job);
  const picture = pictures[index];
  const ticket = useTickets((tickets) => tickets.ticket);
  const add = useTray((tray) => tray.add);
  const [fault, setFault] = useState<unknown>(null);
  const [mode, setMode] = useState<"picture" | "compare">("picture");
  // What is on the pad now is another drawing by now, or will be.
  const from = useQuery({ queryKey: ["made-from", job.id], queryFn: () => readMadeFrom(job.id) });
  const receipt = receiptOf(job.receipt);
  const wasDrawn = receipt?.lines.some(({ input }) => input === "sketch" || input === "base") ?? false;
  const prompt = promptOf(job);
  if (picture === undefined) return null;
  const before = from.data?.base ?? from.data?.sketch ?? null;
  const name = `clippy-${job.id.slice(0, 8)}-${picture.index + 1}`;

  const addAsReference = async () => {
    const response = await request(new Request(at(picture.url)));
    const own = await baseOf(await response.blob(), name);
    add({ source: { kind: "own", url: own.url }, title: name, role: "style" });
  };

  return (
    <Dialog open onClose={onClose} title={`Picture ${picture.index + 1} of ${pictures.length}`} description={`${picture.width} × ${picture.height}${picture.seed === null ? "" : ` · seed ${picture.seed}`}`} className="max-w-5xl">
      <div className="grid gap-5 md:grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)]">
        <div className="flex min-w-0 flex-col gap-3">
          {mode === "compare" && before !== null ? (
            <Compare before={before} after={picture.url} labels={["The drawing", "The picture"]} />
          ) : (
            <Picture path={picture.url} alt={`Result ${picture.index + 1}`} className="max-h-[70dvh] w-full rounded-md bg-well object-contain" />
          )}
          {before !== null && (
            <Segments label="View" value={mode} onChange={setMode} className="self-start" choices={[{ value: "picture", label: "Picture" }, { value: "compare", label: from.data?.base ? "Compare with the base" : "Compare with the sketch" }]} />
          )}
          {before === null && wasDrawn && !from.isPending && (
            <p className="text-[0.8125rem] text-soft">The drawing that this was made from is not kept in this browser, so there is nothing to compare with.</p>
          )}
        </div>
        <div className="flex min-w-0 flex-col gap-5">
          {pictures.length > 1 && (
            <ul aria-label="Pictures of this job" className="flex flex-wrap gap-1.5">
              {pictures.map((other) => (
                <li key={other.index}>
                  <button type="button" aria-label={`Picture ${other.index + 1}`} aria-current={other.index === index} onClick={() => onIndex(other.index)} className="block rounded-sm aria-[current=true]:outline-2 aria-[current=true]:outline-offset-1 aria-[current=true]:outline-blue">
                    <Picture path={other.url} alt="" className="size-14 rounded-sm bg-well object-cover" />
                  </button>
                </li>
              ))}
            </ul>
          )}
          <div className="grid grid-cols-2 gap-1.5">
            <Button
              size="small"
              look="solid"
              onClick={() =>
                loadBaseFrom(picture.url, name).then(() => {
                  onClose();
                  goTo("studio");
                }, setFault)
              }
            >
              <SquarePen />Use as base
            </Button>
            <Button size="small" asChild><a href={address(picture.url, ticket)} download={`${name}.png`}><Download />Download</a></Button>
            <Button size="small" className="col-span-2" onClick={() => addAsReference().then(onClose, setFault)}><PaintBucket />Use as a style reference</Button>
          </div>
          {fault !== null && <Notice error={fault} />}
          {receipt !== null && <ReceiptList receipt={receipt} title={`Receipt · ${receipt.provider}`} />}
          {prompt !== null && (
            <div>
              <h3 className="label-caps mb-1.5 flex items-center gap-1.5"><Layers className="size-3.5" />Words that were sent</h3>
              <p className="text-[0.8125rem] text-soft">{prompt}</p>
            </div>
          )}
        </div>
      </div>
    </Dialog>
  );
}
