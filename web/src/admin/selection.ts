/** Which pictures of a group are selected. */

export interface Selected {
  ids: ReadonlySet<string>;
  /** The picture that was clicked last: a click with Shift selects up to it. */
  anchor: string | null;
}

export const NOTHING: Selected = { ids: new Set(), anchor: null };

/** The selection after a click on a picture, with or without Shift. */
export function clicked(
  before: Selected,
  order: readonly string[],
  id: string,
  range: boolean,
): Selected {
  const ids = new Set(before.ids);
  const from = before.anchor === null ? -1 : order.indexOf(before.anchor);
  const to = order.indexOf(id);
  if (range && from >= 0 && to >= 0) {
    const [first, last] = from < to ? [from, to] : [to, from];
    // The range gets the state that the last clicked picture has.
    const selects = before.anchor !== null && before.ids.has(before.anchor);
    for (const each of order.slice(first, last + 1)) {
      if (selects) ids.add(each);
      else ids.delete(each);
    }
    return { ids, anchor: id };
  }
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: id };
}

/** Where the focus goes with an arrow key, in a grid with this many columns. */
export function moved(key: string, index: number, columns: number, total: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  };
  const step = steps[key];
  if (step === undefined) return null;
  const next = index + step;
  return next >= 0 && next < total ? next : null;
}
