import { useEffect } from "react";

import { picturePath } from "@/api/pictures";
import { useReachability } from "@/api/reachability";
import { showJobs } from "@/jobs/store";
import { count, percent, words } from "@/lib/format";
import { Picture } from "@/ui/picture";
import { useReferences } from "@/references/store";

import { GridCell } from "./cell";
import type { Column } from "./plan";
import { useBench, useSending, type Run, type RunReference, type RunRow } from "./store";

interface GridProps {
  run: Run;
  onPick: (row: RunRow, column: Column) => void;
}

/** The pictures of a run, side by side: references and weights down, providers and seeds across. */
export function Grid({ run, onPick }: GridProps) {
  useRunJobs(run);
  const sending = useSending((state) => state.run === run.id);
  const cellOf = (row: RunRow, column: Column) =>
    run.cells.find((cell) => cell.row === row.key && cell.column === column.key);
  return (
    // The focus lets the keys scroll it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label="Variations" tabIndex={0} className="overflow-x-auto pb-2">
      <table id="variations" className="border-separate border-spacing-2 text-[0.8125rem]">
        <thead>
          <tr>
            <td />
            {run.columns.map(({ key, provider, seed }) => (
              <th key={key} scope="col" className="text-left font-normal text-soft">
                <span className="font-medium text-ink">{provider}</span> · seed {seed}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {run.rows.map((row) => (
            <tr key={row.key}>
              <th scope="row" className="w-32 min-w-24 pt-1 text-left align-top font-normal">
                <RowTitle row={row} />
              </th>
              {run.columns.map((column) => (
                <td key={column.key} className="w-48 min-w-36 align-top lg:w-60">
                  <GridCell
                    cell={cellOf(row, column)}
                    sending={sending}
                    name={`${titleOf(row)}, ${column.provider}, seed ${column.seed}`}
                    onPick={() => onPick(row, column)}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** After a reload, the jobs of the run are read again. */
function useRunJobs({ id, cells }: Run): void {
  const recoveredAt = useReachability((state) => state.recoveredAt);
  useEffect(() => {
    const { place } = useBench.getState();
    const jobs = cells.flatMap(({ job }) => job ?? []);
    void showJobs(jobs, (gone) => {
      const cell = cells.find(({ job }) => job === gone);
      const failure = "This generation is not on the server any more.";
      if (cell !== undefined) place(id, cell.row, cell.column, { failure });
    });
  }, [id, cells, recoveredAt]);
}

function titleOf({ title, weight }: RunRow): string {
  return weight === null ? words(title) : `${words(title)} at ${percent(weight)}`;
}

function RowTitle({ row }: { row: RunRow }) {
  const { references, weight, title } = row;
  return (
    <div className="flex flex-col gap-1.5">
      <span className="font-medium">{words(title)}</span>
      {weight !== null && <span className="text-soft">{percent(weight)} each</span>}
      {references.length > 0 && (
        <span className="flex flex-wrap gap-1">
          {references.slice(0, 4).map((reference) => (
            <Thumbnail key={reference.key} reference={reference} />
          ))}
          {references.length > 4 && (
            <span className="text-xs text-soft">
              and {count(references.length - 4)} more
            </span>
          )}
        </span>
      )}
    </div>
  );
}

function Thumbnail({ reference: { key, gallery, title, role } }: { reference: RunReference }) {
  const own = useReferences(({ references }) => {
    const source = references.find((reference) => reference.key === key)?.source;
    return source?.kind === "own" ? source.url : null;
  });
  const shared = {
    alt: `${words(title)}, ${role}`,
    title: `${words(title)}, ${role}`,
    className: "size-9 rounded-sm bg-well object-cover",
  };
  if (gallery !== null) return <Picture path={picturePath({ id: gallery }, 64)} {...shared} />;
  if (own === null) return null;
  return <img src={own} {...shared} alt={shared.alt} />;
}
