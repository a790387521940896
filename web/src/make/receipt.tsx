import { Check, Minus, X } from "lucide-react";

import { inputName, type Receipt, type ReceiptLine, type Treatment } from "@/api/providers";
import { cn } from "@/lib/classes";

const SIGNS: Record<Treatment, { icon: typeof Check; colour: string; said: string }> = {
  honoured: { icon: Check, colour: "text-green", said: "honoured" },
  approximated: { icon: Minus, colour: "text-amber", said: "approximated" },
  dropped: { icon: X, colour: "text-ruby", said: "dropped" },
};

/** For each thing that was asked for: what became of it, what was sent, and why. */
export function ReceiptList({ receipt, title }: { receipt: Receipt; title: string }) {
  return (
    <div>
      <h3 className="label-caps mb-1.5">{title}</h3>
      <ul className="flex flex-col gap-1.5 text-[0.8125rem]">
        {receipt.lines.map(({ input, treatment, sent, reason }) => {
          const { icon: Icon, colour, said } = SIGNS[treatment];
          return (
            <li key={input} className="grid grid-cols-[1rem_6.5rem_1fr] items-start gap-x-2">
              <Icon aria-hidden className={cn("mt-0.5 size-4", colour)} />
              <span>{inputName(input)}<span className="sr-only"> {said}:</span></span>
              <span className="min-w-0 text-soft">{reason === null ? sent : treatment === "dropped" ? reason : <>{sent} <span className="block text-xs">{reason}</span></>}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** What was not done as asked, in full: nobody has to open anything to see that something is missing. */
export function Shortfalls({ receipt, className }: { receipt: Receipt; className?: string }) {
  const lines = shortfalls(receipt);
  if (lines.length === 0) return null;
  return (
    <ul aria-label="Not as asked" className={cn("flex flex-col gap-1 text-[0.8125rem]", className)}>
      {lines.map(({ input, treatment, sent, reason }) => {
        const { icon: Icon, colour, said } = SIGNS[treatment];
        const why = [treatment === "approximated" ? sent : "", reason ?? ""].filter((part) => part !== "").join("; ");
        return (
          <li key={input} data-treatment={treatment} className="flex items-start gap-1.5">
            <Icon aria-hidden className={cn("mt-0.5 size-4 shrink-0", colour)} />
            <span className="min-w-0"><span className={colour}>{inputName(input)} {said}</span>{why !== "" && <span className="text-soft">: {why}</span>}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** The lines that were not honoured, what is missing first. */
export function shortfalls({ lines }: Receipt): ReceiptLine[] {
  return [...lines.filter(({ treatment }) => treatment === "dropped"), ...lines.filter(({ treatment }) => treatment === "approximated")];
}

/** What became of a job in a few words: no plain success where something is missing. */
export function outcome(receipt: Receipt | null): { dropped: number; approximated: number } {
  const lines = receipt?.lines ?? [];
  const counted = (treatment: Treatment) => lines.filter((line) => line.treatment === treatment).length;
  return { dropped: counted("dropped"), approximated: counted("approximated") };
}

/** The receipt in a few words. */
export function summary({ lines }: Receipt): string {
  const counted = (treatment: Treatment) => lines.filter((line) => line.treatment === treatment).length;
  const [approximated, dropped] = [counted("approximated"), counted("dropped")];
  if (approximated + dropped === 0) return "All of it will be honoured";
  return [`${counted("honoured")} honoured`, approximated > 0 && `${approximated} approximated`, dropped > 0 && `${dropped} dropped`].filter(Boolean).join(", ");
}
