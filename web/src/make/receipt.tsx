import { Check, Minus, X } from "lucide-react";

import type { Receipt, ReceiptLine, Treatment } from "@/api/client";
import { inputName, shortfalls } from "@/api/receipt";
import { cn } from "@/lib/classes";

const SIGNS: Record<Treatment, { icon: typeof Check; colour: string }> = {
  honoured: { icon: Check, colour: "text-green" },
  approximated: { icon: Minus, colour: "text-amber" },
  dropped: { icon: X, colour: "text-ruby" },
};

function Sign({ treatment, className }: { treatment: Treatment; className?: string }) {
  const { icon: Icon, colour } = SIGNS[treatment];
  return <Icon aria-hidden className={cn("mt-0.5 size-4", colour, className)} />;
}

/** For each input: how it was used, what was sent, and why. */
export function ReceiptList({ receipt, title }: { receipt: Receipt; title: string }) {
  return (
    <div>
      <h3 className="label-caps mb-1.5">{title}</h3>
      <ul className="flex flex-col gap-1.5 text-[0.8125rem]">
        {receipt.lines.map((line) => (
          <li key={line.input} className="grid grid-cols-[1rem_6.5rem_1fr] items-start gap-x-2">
            <Sign treatment={line.treatment} />
            <span>
              {inputName(line.input)}
              <span className="sr-only"> {line.treatment}:</span>
            </span>
            <span className="min-w-0 text-soft">
              <Outcome line={line} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Outcome({ line: { treatment, sent, reason } }: { line: ReceiptLine }) {
  if (reason == null) return sent;
  if (treatment === "dropped") return reason;
  return (
    <>
      {sent} <span className="block text-xs">{reason}</span>
    </>
  );
}

/** The inputs that were not honoured, always shown in full. */
export function Shortfalls({ receipt, className }: { receipt: Receipt; className?: string }) {
  const lines = shortfalls(receipt);
  if (lines.length === 0) return null;
  return (
    <ul aria-label="Not honoured" className={cn("flex flex-col gap-1 text-[0.8125rem]", className)}>
      {lines.map((line) => (
        <li key={line.input} data-treatment={line.treatment} className="flex items-start gap-1.5">
          <Sign treatment={line.treatment} className="shrink-0" />
          <span className="min-w-0">
            <span className={SIGNS[line.treatment].colour}>
              {inputName(line.input)} {line.treatment}
            </span>
            <span className="text-soft">{explanation(line)}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function explanation({ treatment, sent, reason }: ReceiptLine): string {
  const parts = [treatment === "approximated" ? sent : "", reason ?? ""];
  const text = parts.filter((part) => part !== "").join("; ");
  return text === "" ? "" : `: ${text}`;
}
