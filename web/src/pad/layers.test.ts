import { describe, expect, it } from "vitest";

import { applyChange, EMPTY, type Base, type Drawing, type Stroke } from "./drawing";
import { searchedPart } from "./fingerprint";
import { addStep, startHistory } from "./history";
import {
  BASE,
  changedLayer,
  FIRST_LAYERS,
  isLayerList,
  layerToDraw,
  movedLayer,
  seenLines,
  withLayer,
  withoutLayer,
} from "./layers";
import { hasInk, seenBase } from "./seen";
import { currentLayer, usePad } from "./store";

const PICTURE: Base = { url: "data:image/png;base64,aaaa", width: 9, height: 9, name: "a.png" };
const ids = (layers: readonly { id: string }[]) => layers.map(({ id }) => id);
const stroke = (id: string, layer: string): Stroke => ({
  id,
  layer,
  erases: false,
  colour: "#000",
  size: 7,
  pressure: false,
  points: [[1, 2, 0.5]],
});
const TWO = withLayer(FIRST_LAYERS, "top", "line");
const DRAWN: Drawing = {
  ...EMPTY,
  layers: TWO,
  strokes: [stroke("a", "line"), stroke("b", "top"), stroke("m", "mask")],
};

describe("layers", () => {
  it("are added above another one, moved, and removed, but for the last one", () => {
    expect(ids(TWO)).toEqual([BASE, "line", "top"]);
    expect(ids(withLayer(TWO, "between", "line"))).toEqual([BASE, "line", "between", "top"]);
    expect(ids(withLayer(TWO, "new", "mask"))).toEqual([BASE, "line", "top", "new"]);
    expect(new Set(withLayer(TWO, "x", "line").map(({ name }) => name)).size).toBe(4);
    expect(ids(movedLayer(TWO, "line", -1))).toEqual(["line", BASE, "top"]);
    expect(movedLayer(TWO, "top", 1)).toBe(TWO);
    const around = movedLayer(TWO, "line", -1);
    expect(ids(movedLayer(around, "line", 1, false))).toEqual(["top", BASE, "line"]);
    expect(ids(withoutLayer(TWO, "line"))).toEqual([BASE, "top"]);
    expect(withoutLayer(TWO, BASE)).toBe(TWO);
    expect(withoutLayer(FIRST_LAYERS, "line")).toBe(FIRST_LAYERS);
  });

  it("take their strokes with them when they are removed", () => {
    const removed = applyChange(DRAWN, { type: "layers", layers: withoutLayer(TWO, "top") });
    expect(ids(removed.strokes)).toEqual(["a", "m"]);
  });

  it("below an opaque base are not seen, and hidden ones are not either", () => {
    const covered = movedLayer(TWO, "line", -1);
    expect(ids(seenLines(covered, true))).toEqual(["top"]);
    expect(ids(seenLines(covered, false))).toEqual(["line", "top"]);
    expect(ids(seenLines(changedLayer(covered, BASE, { opacity: 0.5 }), true))).toEqual([
      "line",
      "top",
    ]);
    expect(ids(seenLines(changedLayer(TWO, "top", { hidden: true }), true))).toEqual(["line"]);
    expect(ids(seenLines(changedLayer(TWO, "top", { opacity: 0 }), true))).toEqual(["line"]);
  });

  it("change what is searched by: order, opacity and hiding, but not names", () => {
    const key = (layers: typeof TWO) => searchedPart({ ...DRAWN, base: PICTURE, layers });
    const others = [
      TWO,
      movedLayer(TWO, "top", -1),
      changedLayer(TWO, "top", { hidden: true }),
      changedLayer(TWO, "top", { opacity: 0.5 }),
      changedLayer(TWO, BASE, { hidden: true }),
    ];
    expect(new Set(others.map(key)).size).toBe(others.length);
    expect(key(changedLayer(TWO, "top", { name: "Hat" }))).toBe(key(TWO));
    const all = TWO.map(({ id }) => id).reduce(
      (layers, id) => changedLayer(layers, id, { hidden: true }),
      TWO,
    );
    expect(key(all)).toBeNull();
    const hidden = { ...DRAWN, base: PICTURE, layers: all };
    expect([hasInk(hidden, "line"), hasInk(hidden, "mask"), seenBase(hidden)]).toEqual([
      false,
      true,
      null,
    ]);
  });

  it("are shown again when something is drawn on them", () => {
    const hidden = { ...DRAWN, layers: changedLayer(TWO, "top", { hidden: true }) };
    const drawn = applyChange(hidden, { type: "stroke", stroke: stroke("c", "top") });
    expect(drawn.layers).toEqual(TWO);
  });

  it("that do not exist any more are not drawn on", () => {
    expect(layerToDraw(TWO, "line")).toBe("line");
    expect(layerToDraw(TWO, "gone")).toBe("top");
    expect(layerToDraw(TWO, "mask")).toBe("mask");
    expect(layerToDraw(TWO, BASE)).toBe("top");
  });

  it("are checked when they are read", () => {
    expect(isLayerList(TWO)).toBe(true);
    const [base, line] = FIRST_LAYERS;
    for (const broken of [
      null,
      [],
      [base],
      [line],
      [base, line, line],
      [base, { ...line, id: "mask" }],
      [base, { ...line, opacity: 2 }],
    ])
      expect(isLayerList(broken)).toBe(false);
  });
});

describe("the pad's layers", () => {
  it("keep the layer of lines that was drawn on before the mask, and survive an undo", () => {
    const pad = usePad.getState();
    usePad.setState({ history: startHistory(EMPTY) });
    pad.change({ type: "layers", layers: TWO });
    pad.setLayer("top");
    pad.setLayer("mask");
    pad.toLines();
    expect(currentLayer(usePad.getState())).toBe("top");
    pad.setLayer("line");
    expect(currentLayer(usePad.getState())).toBe("line");
    pad.setLayer("top");
    pad.undo();
    expect(currentLayer(usePad.getState())).toBe("line");
  });

  it("have one step for a slider that is moved, and another for the next slider", () => {
    const pad = usePad.getState();
    usePad.setState({ history: addStep(startHistory(EMPTY), DRAWN) });
    const adjust = (id: string, opacity: number) => {
      const { layers } = usePad.getState().history.present;
      pad.adjust({ type: "layers", layers: changedLayer(layers, id, { opacity }) });
    };
    for (const opacity of [0.9, 0.8, 0.7]) adjust("top", opacity);
    const steps = () => usePad.getState().history.past.length;
    expect(steps()).toBe(2);
    pad.change({ type: "stroke", stroke: stroke("x", "top") });
    adjust("top", 0.5);
    expect(steps()).toBe(4);
    pad.undo();
    expect(usePad.getState().history.present.layers[2]?.opacity).toBe(0.7);
  });
});
