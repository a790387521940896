import { WORD_PARTS, type Hit, type PerSpace, type Space, type Words } from "@/api/results";
import { cn } from "@/lib/classes";
import { percent } from "@/lib/format";

import { Bar, closeness, SPACE_NAMES, spacesOf, topShare, WORD_PART_NAMES } from "./bars";

/** Why a picture was found, in numbers. */
export function Explanation({
  hit,
  weights,
}: {
  hit: Hit;
  weights?: PerSpace<number> | undefined;
}) {
  return (
    <table className="w-full text-[0.8125rem]">
      <caption className="label-caps mb-1.5 text-left">Why it was found</caption>
      <thead className="sr-only">
        <tr>
          <th>Space</th>
          <th>Closeness</th>
          <th>Value</th>
          <th>Weight</th>
        </tr>
      </thead>
      <tbody className="[&>tr:last-child>*]:pb-2">
        {spacesOf(hit).map((space) => (
          <SpaceRow key={space} hit={hit} space={space} weight={weights?.[space]} />
        ))}
        {hit.words !== null && <WordsRow words={hit.words} />}
      </tbody>
      <tfoot>
        <tr className="border-t">
          <th scope="row" className="pt-1.5 text-left font-medium">
            Score
          </th>
          <td className="pt-1.5 text-soft">{reason(hit)}</td>
          <td className="tabular pt-1.5 pl-3 text-right font-medium">{hit.score.toFixed(3)}</td>
          <td />
        </tr>
      </tfoot>
    </table>
  );
}

function SpaceRow({ hit, space, weight }: { hit: Hit; space: Space; weight: number | undefined }) {
  const [score, percentile] = [hit.scores[space], hit.percentiles[space]];
  return (
    <tr>
      <th scope="row" className="w-14 py-1 text-left font-normal text-soft">
        {SPACE_NAMES[space]}
      </th>
      <td className="py-1" aria-hidden>
        <Bar value={closeness(hit, space)} className="h-1.5" />
      </td>
      <td className="tabular w-28 py-1 pl-3 text-right whitespace-nowrap">
        {score === null ? <span className="text-soft">not used</span> : score.toFixed(3)}
        {score !== null && percentile !== null && (
          <span className="text-soft"> top {topShare(percentile)}</span>
        )}
      </td>
      <td className="tabular w-16 py-1 text-right text-soft">
        {weight === undefined ? "" : `× ${weight.toFixed(2)}`}
      </td>
    </tr>
  );
}

/** Which part matches the words: the sentence of the tags, the tags, or the picture itself. */
function WordsRow({ words: { values, closest } }: { words: Words }) {
  return (
    <tr>
      <td />
      <td colSpan={3} className="text-xs text-soft">
        {WORD_PARTS.map((part) => {
          const value = values[part];
          if (value === undefined) return null;
          return (
            <span key={part} className={cn("mr-3", part === closest && "font-medium text-ink")}>
              {WORD_PART_NAMES[part]} {part === "tags" ? percent(value) : value.toFixed(3)}
              {part === closest && " (closest)"}
            </span>
          );
        })}
      </td>
    </tr>
  );
}

function reason({ lexical, percentile }: Hit): string {
  if (lexical !== null) return `tags cover ${percent(lexical)} of the words`;
  return percentile === null ? "" : `top ${topShare(percentile)} of the collection`;
}
