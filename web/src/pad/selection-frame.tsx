import type { Bounds } from "./lasso";

/** The rectangle around the selected strokes, dark and light to be seen on any ground. */
export function SelectionFrame({
  bounds,
  by: [byX, byY],
  transform: [scale, right, down],
}: {
  bounds: Bounds | null;
  /** How far it is dragged, on the paper. */
  by: readonly [number, number];
  transform: readonly [scale: number, right: number, down: number];
}) {
  if (bounds === null) return null;
  return (
    <div
      aria-hidden
      data-selection
      className="pointer-events-none absolute z-[100001] outline-2 outline-black
        outline-dashed ring-2 ring-white/80"
      style={{
        left: (bounds.left + byX) * scale + right,
        top: (bounds.top + byY) * scale + down,
        width: (bounds.right - bounds.left) * scale,
        height: (bounds.bottom - bounds.top) * scale,
      }}
    />
  );
}
