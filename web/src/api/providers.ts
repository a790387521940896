/** What each provider honours, and receipts: what became of each thing that was asked for. */

import { fields, list, number, text, texts } from "@/lib/json";

export type Support = "yes" | "approximate" | "no";
export type Treatment = "honoured" | "approximated" | "dropped";

export interface Provider {
  name: string;
  model: string | null;
  styleReferences: Support;
  subjectReferences: Support;
  weights: Support;
  maxReferences: number;
  sketch: Support;
  base: Support;
  mask: Support;
  maskNote: string;
  prompt: Support;
  promptNote: string;
  seed: Support;
  negativePrompt: Support;
  /** Null when any will do. */
  ratios: string[] | null;
  styleTags: string[];
  previews: boolean;
  /** Whether a cancelled call may be billed all the same. */
  cancelIsBilled: boolean;
  paid: boolean;
  /** What stands in its way, as it was found out a moment ago; nothing where all is well. */
  troubles: Trouble[];
}

/** What a provider cannot do as it is set up now. */
export interface Trouble {
  subject: string;
  message: string;
  /** Whether it would fail, rather than do with less. */
  fault: boolean;
}

export interface ReceiptLine {
  input: string;
  treatment: Treatment;
  sent: string;
  reason: string | null;
}

export interface Receipt {
  provider: string;
  lines: ReceiptLine[];
}

function support(value: unknown): Support {
  return value === "yes" || value === "approximate" ? value : "no";
}

function ratioOf(value: unknown): string[] {
  const { width, height } = fields(value);
  return typeof width === "number" && typeof height === "number" ? [`${width}:${height}`] : [];
}

export function providerOf(value: unknown): Provider {
  const given = fields(value);
  const listed = fields(given["ratios"])["listed"];
  return {
    name: text(given["provider"]) ?? "unknown",
    model: text(given["model"]),
    styleReferences: support(given["style_references"]),
    subjectReferences: support(given["subject_references"]),
    weights: support(given["weights"]),
    maxReferences: number(given["max_references"]) ?? 0,
    sketch: support(given["sketch"]),
    base: support(given["base"]),
    mask: support(given["mask"]),
    maskNote: text(given["mask_note"]) ?? "",
    prompt: support(given["prompt"]),
    promptNote: text(given["prompt_note"]) ?? "",
    seed: support(given["seed"]),
    negativePrompt: support(given["negative_prompt"]),
    ratios: given["ratios"] === "any" ? null : list(listed).flatMap(ratioOf),
    styleTags: texts(given["style_tags"]),
    previews: given["previews"] === true,
    cancelIsBilled: given["cancel"] === "drops_billed",
    paid: given["paid"] === true,
    troubles: list(given["checks"]).flatMap(troubleOf),
  };
}

function troubleOf(check: unknown): Trouble[] {
  const { subject, level, message } = fields(check);
  const said = text(message);
  return said === null || (level !== "warning" && level !== "fault") ? [] : [{ subject: text(subject) ?? "", message: said, fault: level === "fault" }];
}

export function receiptOf(value: unknown): Receipt | null {
  const given = fields(value);
  const lines = list(given["lines"]).flatMap((line): ReceiptLine[] => {
    const { input, treatment, sent, reason } = fields(line);
    if (treatment !== "honoured" && treatment !== "approximated" && treatment !== "dropped") return [];
    return [{ input: text(input) ?? "", treatment, sent: text(sent) ?? "", reason: text(reason) }];
  });
  return lines.length === 0 ? null : { provider: text(given["provider"]) ?? "", lines };
}

/** The input of a receipt's line as people name it. */
export function inputName(input: string): string {
  const [, kind, index] = input.match(/^(\w+)\[(\d+)\]$/) ?? [];
  if (kind === "refs") return `Reference ${Number(index) + 1}`;
  if (kind === "style_tags") return `Style ${Number(index) + 1}`;
  const names: Record<string, string> = {
    sketch: "Sketch",
    sketch_weight: "Sketch weight",
    base: "Base picture",
    mask: "Mask",
    prompt: "Prompt",
    seed: "Seed",
    negative_prompt: "Negative prompt",
    aspect_ratio: "Ratio",
    count: "Count",
  };
  return names[input] ?? input.replaceAll("_", " ");
}
