/** Receipts: how each input of a generation was used. */

import type { Receipt, ReceiptLine, Treatment } from "./client";

const INPUT_NAMES: Readonly<Record<string, string>> = {
  sketch: "Sketch",
  sketch_weight: "Sketch weight",
  base: "Base picture",
  mask: "Mask",
  prompt: "Prompt",
  seed: "Seed",
  negative_prompt: "Negative prompt",
  aspect_ratio: "Aspect ratio",
  count: "Number of pictures",
};

/** The label of a receipt line's input. */
export function inputName(input: string): string {
  const [, kind, index] = input.match(/^(\w+)\[(\d+)\]$/) ?? [];
  if (kind === "refs") return `Reference ${Number(index) + 1}`;
  if (kind === "style_tags") return `Style ${Number(index) + 1}`;
  return INPUT_NAMES[input] ?? input.replaceAll("_", " ");
}

function withTreatment({ lines }: Receipt, treatment: Treatment): ReceiptLine[] {
  return lines.filter((line) => line.treatment === treatment);
}

/** The lines that were not honoured: dropped inputs first. */
export function shortfalls(receipt: Receipt): ReceiptLine[] {
  return [...withTreatment(receipt, "dropped"), ...withTreatment(receipt, "approximated")];
}

/** How many inputs were not honoured. */
export function shortfallCounts(
  receipt: Receipt | null | undefined,
): Record<"dropped" | "approximated", number> {
  if (receipt == null) return { dropped: 0, approximated: 0 };
  return {
    dropped: withTreatment(receipt, "dropped").length,
    approximated: withTreatment(receipt, "approximated").length,
  };
}

/** One line for a receipt of something that is not sent yet. */
export function summary(receipt: Receipt): string {
  const { dropped, approximated } = shortfallCounts(receipt);
  if (dropped + approximated === 0) return "All inputs will be honoured";
  const counts: [number, string][] = [
    [withTreatment(receipt, "honoured").length, "honoured"],
    [approximated, "approximated"],
    [dropped, "dropped"],
  ];
  return counts.flatMap(([count, name]) => (count > 0 ? [`${count} ${name}`] : [])).join(", ");
}
