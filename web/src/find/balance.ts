/** How much each part of a query decides, and how a tap shifts that. */

import type { PerSpace, Space } from "@/api/results";

import { INITIAL, type Query } from "./fields";

/** What pictures are compared with: the drawing, or chosen pictures without one; words; a style. */
export type PartName = "drawing" | "pictures" | "words" | "style";

export interface Part {
  name: PartName;
  /** The spaces whose weights belong to it. */
  spaces: readonly Space[];
}

/** The parts that a query has. `sketched` says whether there is a drawing. */
export function queryParts(query: Query, sketched: boolean): Part[] {
  const { text, likes, styles, styleImage, useSketch } = query;
  const drawn = useSketch && sketched;
  const worded = text.trim() !== "";
  const parts: Part[] = [];
  if (drawn || likes.length > 0) {
    // Without words, the sentences of the chosen pictures are compared.
    const sentences = likes.length > 0 && !worded;
    parts.push({
      name: drawn ? "drawing" : "pictures",
      spaces: sentences ? ["image", "edge", "text"] : ["image", "edge"],
    });
  }
  if (worded) parts.push({ name: "words", spaces: ["text"] });
  if (styles.length > 0 || styleImage !== null) parts.push({ name: "style", spaces: ["style"] });
  return parts;
}

type Weights = PerSpace<number>;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function weightOf({ spaces }: Part, weights: Weights): number {
  return sum(spaces.map((space) => weights[space]));
}

/** The share of a part in the weights of all parts, 0..1. */
export function shareOf(part: Part, parts: readonly Part[], weights: Weights): number {
  const total = sum(parts.map((one) => weightOf(one, weights)));
  return total === 0 ? 0 : weightOf(part, weights) / total;
}

/** The shares that taps lead to, as parts of the way from the usual share to the whole. */
const STEPS = [0, 0.5, 0.86];
const NEAR = 0.005;

/** The share that the next tap on a part gives it. After the largest one comes the usual one. */
function nextShare(part: Part, parts: readonly Part[], weights: Weights) {
  const usual = shareOf(part, parts, INITIAL.weights);
  const share = shareOf(part, parts, weights);
  const levels = STEPS.map((step) => usual + (1 - usual) * step);
  const next = levels.find((level) => level > share + NEAR);
  return { usual, next: next ?? usual, isBack: next === undefined };
}

/** Whether a tap goes back to the usual weights. */
export function goesBack(part: Part, parts: readonly Part[], weights: Weights): boolean {
  return nextShare(part, parts, weights).isBack;
}

/** The weights after a tap on a part. */
export function shifted(part: Part, parts: readonly Part[], weights: Weights): Weights {
  const { usual, next } = nextShare(part, parts, weights);
  if (next === usual) {
    const shares = parts.map((one) => shareOf(one, parts, INITIAL.weights));
    return rounded(withShares(parts, shares, weights));
  }
  return led(part, parts, weights, next);
}

/** The weights with which a part decides nearly alone. */
export function leading(part: Part, parts: readonly Part[], weights: Weights): Weights {
  const usual = shareOf(part, parts, INITIAL.weights);
  return led(part, parts, weights, usual + (1 - usual) * Math.max(...STEPS));
}

/** A part gets a share, and the others keep their ratios in what is left. */
function led(part: Part, parts: readonly Part[], weights: Weights, share: number): Weights {
  const others = parts.filter((one) => one !== part);
  const known = sum(others.map((one) => weightOf(one, weights))) > 0 ? weights : INITIAL.weights;
  const shares = parts.map((one) =>
    one === part ? share : shareOf(one, others, known) * (1 - share),
  );
  return withShares(parts, shares, weights);
}

/**
 * The weights for shares of the parts. The spaces of a part keep their ratios, and the weights of
 * all other spaces stay. The usual shares give the usual weights; no weight is above 1.
 */
function withShares(parts: readonly Part[], shares: readonly number[], before: Weights): Weights {
  const usual = sum(parts.map((part) => weightOf(part, INITIAL.weights)));
  const within = parts.map((part, index) => {
    const known = weightOf(part, before) > 0 ? before : INITIAL.weights;
    return part.spaces.map((space) => {
      const share = (shares[index] ?? 0) * (known[space] / weightOf(part, known));
      return [space, share] as const;
    });
  });
  const all = within.flat();
  const scale = Math.min(usual, 1 / Math.max(...all.map(([, share]) => share)));
  const changed = all.map(([space, share]) => [space, share * scale] as const);
  return { ...before, ...Object.fromEntries(changed) };
}

/** Only where a tap ends: rounding the small weights on the way would change their ratios. */
function rounded({ image, edge, text, style }: Weights): Weights {
  const round = (weight: number) => Math.round(weight * 1000) / 1000;
  return { image: round(image), edge: round(edge), text: round(text), style: round(style) };
}
