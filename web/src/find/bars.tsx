import { SPACES, type Hit, type PerSpace, type Space } from "@/api/pictures";
import { percent } from "@/lib/format";
import { cn } from "@/lib/classes";

export const SPACE_NAMES: Record<Space, string> = { image: "Look", edge: "Shape", text: "Words" };

/**
 * How near a hit is in one space, 0..1. Where the server tells percentiles, by how rare it is to be as near: a tenth of
 * the collection is a quarter of the bar, a hundredth half, a thousandth three quarters. Else by its cosine.
 */
export function nearness(hit: Pick<Hit, "scores" | "percentiles">, space: Space): number | null {
  const percentile = hit.percentiles?.[space] ?? null;
  const value = percentile === null ? hit.scores[space] : -Math.log10(Math.max(1e-4, 1 - percentile)) / 4;
  return value === null ? null : Math.max(0, Math.min(1, value));
}

/** The same in words. */
export function nearnessTold(hit: Pick<Hit, "scores" | "percentiles">, space: Space): string {
  const score = hit.scores[space];
  if (score === null) return "not asked";
  const percentile = hit.percentiles?.[space] ?? null;
  return percentile === null ? percent(score) : `top ${topShare(percentile)}`;
}

/** Why a picture was found, at a glance: three short bars. */
export function Bars({ hit, className }: { hit: Hit; className?: string }) {
  const told = SPACES.map((space) => `${SPACE_NAMES[space].toLowerCase()} ${nearnessTold(hit, space)}`).join(", ");
  return (
    <div role="img" aria-label={told} title={told} className={cn("flex gap-0.5", className)}>
      {SPACES.map((space) => {
        const value = nearness(hit, space);
        return (
          <span key={space} className="h-[3px] flex-1 overflow-hidden rounded-full bg-line">
            {value !== null && <span className="block h-full rounded-full bg-blue" style={{ width: `${value * 100}%` }} />}
          </span>
        );
      })}
    </div>
  );
}

/** The same, with numbers. */
export function Explanation({ hit, weights }: { hit: Hit; weights: PerSpace<number> | undefined }) {
  return (
    <table className="w-full text-[0.8125rem]">
      <caption className="label-caps mb-1.5 text-left">Why it was found</caption>
      <thead className="sr-only">
        <tr><th>Space</th><th>Nearness</th><th>Value</th><th>Weight</th></tr>
      </thead>
      <tbody className="[&>tr:last-child>*]:pb-2">
        {SPACES.map((space) => {
          const value = nearness(hit, space);
          const score = hit.scores[space];
          const percentile = hit.percentiles?.[space] ?? null;
          return (
            <tr key={space}>
              <th scope="row" className="w-14 py-1 text-left font-normal text-soft">{SPACE_NAMES[space]}</th>
              <td className="py-1">
                <span aria-hidden className="block h-1.5 overflow-hidden rounded-full bg-line">
                  {value !== null && <span className="block h-full rounded-full bg-blue" style={{ width: `${value * 100}%` }} />}
                </span>
              </td>
              <td className="tabular w-28 py-1 pl-3 text-right whitespace-nowrap">
                {score === null ? <span className="text-soft">not asked</span> : percentile === null ? score.toFixed(3) : <>{score.toFixed(3)} <span className="text-soft">top {topShare(percentile)}</span></>}
              </td>
              <td className="tabular w-16 py-1 text-right text-soft">{weights === undefined ? "" : `× ${weights[space].toFixed(2)}`}</td>
            </tr>
          );
        })}
      </tbody>
      <tfoot>
        <tr className="border-t">
          <th scope="row" className="pt-1.5 text-left font-medium">Score</th>
          <td className="pt-1.5 text-soft">{hit.lexical !== null ? `tags cover ${percent(hit.lexical)} of the words` : hit.percentile !== null ? `top ${topShare(hit.percentile)} of the collection` : ""}</td>
          <td className="tabular pt-1.5 pl-3 text-right font-medium">{hit.score.toFixed(3)}</td>
          <td />
        </tr>
      </tfoot>
    </table>
  );
}

function topShare(percentile: number): string {
  const share = (1 - percentile) * 100;
  return share < 0.1 ? "0.1%" : `${share < 10 ? share.toFixed(1) : Math.round(share)}%`;
}
