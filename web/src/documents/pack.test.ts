import { describe, expect, it } from "vitest";

import { changed, EMPTY, type Base, type Drawing, type Stroke } from "@/pad/drawing";
import { advanced, begun, redone, undone, type History } from "@/pad/history";

import { packed, unpacked } from "./pack";

const BASE: Base = { url: "data:image/png;base64,aaaa", width: 600, height: 400, name: "a.png" };
const stroke = (id: string): Stroke => ({ id, layer: "line", erases: false, colour: "#000", size: 7, pressure: false, points: [[1, 2, 0.5]] });

function worked(): History<Drawing> {
  let history = begun(EMPTY);
  for (const id of ["a", "b", "c"]) history = advanced(history, changed(history.present, { type: "stroke", stroke: stroke(id) }));
  history = advanced(history, changed(history.present, { type: "base", base: BASE }));
  history = advanced(history, changed(history.present, { type: "stroke", stroke: stroke("d") }));
  return undone(history);
}

describe("a kept drawing", () => {
  it("comes back with all that can be undone and redone", () => {
    const history = worked();
    const kept = structuredClone(packed(history, () => "p"));
    const back = unpacked(kept, new Map([["p", BASE]]));
    expect(back).toEqual(history);
    if (back === null) throw new Error("nothing came back");
    expect(redone(back).present.strokes.length).toBe(4);
    expect(undone(undone(back)).present).toEqual(undone(undone(history)).present);
  });

  it("writes each stroke and each picture once, however many steps there are", () => {
    let history = worked();
    for (let step = 0; step < 100; step += 1) history = advanced(history, changed(history.present, { type: "stroke", stroke: stroke(`s${step}`) }));
    const kept = packed(history, () => "p");
    // The move of the paper to the base's shape makes new strokes of the three that were there.
    expect(kept.strokes.length).toBe(106);
    expect(kept.pictures).toEqual(["p"]);
    expect(JSON.stringify(kept)).not.toContain("base64");
  });

  it("is none when it makes no sense, and leaves out steps that do not", () => {
    const kept = packed(worked(), () => "p");
    const pictures = new Map([["p", BASE]]);
    for (const broken of [null, 7, {}, { ...kept, steps: [] }, { ...kept, place: 99 }]) expect(unpacked(broken, pictures)).toBeNull();
    const [first, ...steps] = kept.steps;
    expect(unpacked({ ...kept, steps: [{ ...first, width: 0 }, ...steps] }, pictures)?.past.length).toBe(3);
    expect(unpacked(kept, new Map())).toBeNull();
  });
});
