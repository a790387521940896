import { rarity, SPACES, type Hit, type Space, type WordPart } from "@/api/results";
import { percent } from "@/lib/format";
import { cn } from "@/lib/classes";

export const SPACE_NAMES: Record<Space, string> = {
  image: "Look",
  edge: "Shape",
  text: "Words",
  style: "Style",
};

/** What the words were compared with. */
export const WORD_PART_NAMES: Record<WordPart, string> = {
  sentence: "sentence",
  tags: "tags",
  picture: "picture",
};

type Scored = Pick<Hit, "scores" | "percentiles">;

/** How close a hit is in one space, 0..1: by its percentile if it has one, else by its cosine. */
export function closeness({ scores, percentiles }: Scored, space: Space): number | null {
  const percentile = percentiles[space];
  const value = percentile === null ? scores[space] : rarity(percentile);
  return value === null ? null : Math.max(0, Math.min(1, value));
}

/** The same in words. */
export function closenessText({ scores, percentiles }: Scored, space: Space): string {
  const [score, percentile] = [scores[space], percentiles[space]];
  if (score === null) return "not used";
  return percentile === null ? percent(score) : `top ${topShare(percentile)}`;
}

/** The share of the collection that ranks at least as high. */
export function topShare(percentile: number): string {
  const share = (1 - percentile) * 100;
  return share < 0.1 ? "0.1%" : `${share < 10 ? share.toFixed(1) : Math.round(share)}%`;
}

/** The spaces of a hit's bars: the style only where it was asked for. */
export function spacesOf({ scores }: Pick<Hit, "scores">): Space[] {
  return SPACES.filter((space) => space !== "style" || scores.style !== null);
}

/** Why a picture was found, at a glance: one short bar for each space. */
export function Bars({ hit, className }: { hit: Hit; className?: string }) {
  const closest = hit.words?.closest ?? null;
  const spaces = spacesOf(hit);
  const label = spaces.map((space) => {
    const by = space === "text" && closest !== null ? ` (${WORD_PART_NAMES[closest]})` : "";
    return `${SPACE_NAMES[space].toLowerCase()} ${closenessText(hit, space)}${by}`;
  }).join(", ");
  return (
    <div role="img" aria-label={label} title={label} className={cn("flex gap-0.5", className)}>
      {spaces.map((space) => (
        <Bar key={space} value={closeness(hit, space)} className="h-[3px] flex-1" />
      ))}
    </div>
  );
}

export function Bar({ value, className }: { value: number | null; className?: string }) {
  return (
    <span className={cn("block overflow-hidden rounded-full bg-line", className)}>
      {value !== null && (
        <span className="block h-full rounded-full bg-blue" style={{ width: `${value * 100}%` }} />
      )}
    </span>
  );
}
