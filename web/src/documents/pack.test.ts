import { describe, expect, it } from "vitest";

import { applyChange, EMPTY, type Base, type Drawing, type Stroke } from "@/pad/drawing";
import { addStep, startHistory, redo, undo, type History } from "@/pad/history";
import { withLayer } from "@/pad/layers";

import { pack, unpack } from "./pack";

const BASE: Base = { url: "data:image/png;base64,aaaa", width: 600, height: 400, name: "a.png" };
const stroke = (id: string): Stroke => ({
  id,
  layer: "line",
  erases: false,
  colour: "#000",
  size: 7,
  pressure: false,
  points: [[1, 2, 0.5]],
});

function worked(): History<Drawing> {
  let history = startHistory(EMPTY);
  for (const id of ["a", "b", "c"])
    history = addStep(
      history,
      applyChange(history.present, { type: "stroke", stroke: stroke(id) }),
    );
  history = addStep(history, applyChange(history.present, { type: "base", base: BASE }));
  history = addStep(history, applyChange(history.present, { type: "stroke", stroke: stroke("d") }));
  return undo(history);
}

describe("a stored drawing", () => {
  it("has all steps that can be undone and redone", () => {
    const history = worked();
    const kept = structuredClone(pack(history, () => "p"));
    const back = unpack(kept, new Map([["p", BASE]]));
    expect(back).toEqual(history);
    if (back === null) throw new Error("nothing came back");
    expect(redo(back).present.strokes.length).toBe(4);
    expect(undo(undo(back)).present).toEqual(undo(undo(history)).present);
  });

  it("has each stroke and each picture once, for any number of steps", () => {
    let history = worked();
    for (let step = 0; step < 100; step += 1)
      history = addStep(
        history,
        applyChange(history.present, { type: "stroke", stroke: stroke(`s${step}`) }),
      );
    const kept = pack(history, () => "p");
    // Adapting the paper to the ratio of the base replaced the first three strokes.
    expect(kept.strokes.length).toBe(106);
    expect(kept.pictures).toEqual(["p"]);
    expect(JSON.stringify(kept)).not.toContain("base64");
  });

  it("is null when it is invalid, and leaves out invalid steps", () => {
    const kept = pack(worked(), () => "p");
    const pictures = new Map([["p", BASE]]);
    for (const broken of [null, 7, {}, { ...kept, steps: [] }, { ...kept, place: 99 }])
      expect(unpack(broken, pictures)).toBeNull();
    const [first, ...steps] = kept.steps;
    expect(
      unpack({ ...kept, steps: [{ ...first, width: 0 }, ...steps] }, pictures)?.past.length,
    ).toBe(3);
    expect(unpack(kept, new Map())).toBeNull();
  });

  it("keeps the layers of each step, each list once", () => {
    let history = worked();
    const layers = withLayer(history.present.layers, "top", "line");
    history = addStep(history, applyChange(history.present, { type: "layers", layers }));
    const kept = structuredClone(pack(history, () => "p"));
    expect(kept.layers.length).toBe(2);
    const back = unpack(kept, new Map([["p", BASE]]));
    expect(back).toEqual(history);
    expect(back && undo(back).present.layers).toEqual(EMPTY.layers);
    expect(unpack({ ...kept, layers: [] }, new Map([["p", BASE]]))).toBeNull();
  });

  it("of before there were layers opens as it was", () => {
    const history = worked();
    const { layers, steps, ...kept } = pack(history, () => "p");
    expect(layers.length).toBe(1);
    const older = { ...kept, steps: steps.map((step) => ({ ...step, layers: undefined })) };
    expect(unpack(structuredClone(older), new Map([["p", BASE]]))).toEqual(history);
  });
});
