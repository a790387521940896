import { describe, expect, it } from "vitest";

import type { Provider, Treatment } from "@/api/client";
import { failedChecks, titleOf } from "@/api/providers";
import { inputName, shortfallCounts, shortfalls, summary } from "@/api/receipt";
import { INITIAL } from "@/find/fields";
import { applyChange, EMPTY } from "@/pad/drawing";
import { restored } from "@/pad/restored";
import { addReference, MOST_REFERENCES, supportOf, type Reference } from "@/references/store";

import {
  bodyOf,
  galleryFirst,
  INITIAL_WISH,
  missing,
  ratioNamed,
  RATIOS,
  seedFault,
  SIZES,
  sized,
  toggleStyle,
  unsized,
  withDrawing,
} from "./wish";

const NOTHING = { sketch: null, base: null, mask: null };
const gallery = (id: string) => ({ source: { kind: "gallery", id } as const, title: id });
const LOCAL: Provider = {
  provider: "local",
  style_references: "yes",
  subject_references: "yes",
  weights: "yes",
  max_references: 2,
  reference_note: "",
  sketch: "yes",
  base: "yes",
  mask: "yes",
  mask_note: "",
  prompt: "yes",
  prompt_note: "",
  seed: "yes",
  negative_prompt: "no",
  ratios: "any",
  presets: [],
  style_tags: [],
  images_per_call: 1,
  progress: "steps",
  previews: true,
  cancel: "stops",
  paid: false,
  checks: [],
};

describe("references", () => {
  it("list each picture once, and change its role when it is added again", () => {
    let references: Reference[] = addReference([], gallery("1"));
    references = addReference(references, { ...gallery("1"), role: "subject" });
    references = addReference(references, gallery("2"));
    expect(references.map(({ role, title }) => [title, role])).toEqual([
      ["1", "subject"],
      ["2", "style"],
    ]);
  });

  it("are limited", () => {
    let references: Reference[] = [];
    for (let id = 0; id < 20; id += 1) references = addReference(references, gallery(String(id)));
    expect(references.length).toBe(MOST_REFERENCES);
  });

  it("say what the provider will honour before anything is sent", () => {
    const references = ["1", "2", "3"].reduce<Reference[]>(
      (known, id) => addReference(known, gallery(id)),
      [],
    );
    const said = (provider: Provider) =>
      references.map((reference) => supportOf(provider, references, reference).support);
    expect(said(LOCAL)).toEqual(["yes", "yes", "no"]);
    expect(said({ ...LOCAL, weights: "no" })).toEqual(["approximate", "approximate", "no"]);
    expect(said({ ...LOCAL, style_references: "no", max_references: 9 })).toEqual([
      "no",
      "no",
      "no",
    ]);
  });
});

describe("a request", () => {
  it("says what is missing", () => {
    expect(missing(INITIAL_WISH, [], NOTHING)).toMatch(/prompt/);
    expect(missing({ ...INITIAL_WISH, prompt: "a cat" }, [], NOTHING)).toBeNull();
    expect(missing(INITIAL_WISH, [], { ...NOTHING, sketch: "data:" })).toBeNull();
    const wrong = { ...INITIAL_WISH, prompt: "a cat", seed: "many", seedLocked: true };
    expect(missing(wrong, [], NOTHING)).toMatch(/whole number/);
    for (const seed of ["", "0", "42", "9007199254740991"]) expect(seedFault(seed)).toBeNull();
    for (const seed of ["-1", "1.5", "1e3", "9007199254740993"])
      expect(seedFault(seed)).not.toBeNull();
  });

  it("contains what is asked for and nothing else", () => {
    expect(bodyOf({ ...INITIAL_WISH, prompt: " a cat " }, [], NOTHING, null)).toEqual({
      count: 2,
      refs: [],
      style_tags: [],
      strict: false,
      prompt: "a cat",
      aspect_ratio: "1:1",
    });
  });

  it("has the size in pixels, which can be read back", () => {
    const large = { ...INITIAL_WISH, ratio: "3:2", size: 1536 };
    expect(bodyOf(large, [], NOTHING, null)).toMatchObject({ aspect_ratio: "1536:1024" });
    expect(unsized("1536:1024")).toEqual({ ratio: "3:2", size: 1536 });
    expect(unsized("9:16")).toEqual({ ratio: "9:16", size: 0 });
    expect(unsized("5:1")).toBeNull();
    for (const size of SIZES) {
      for (const ratio of RATIOS) {
        const [across, down] = sized(ratio, size).split(":").map(Number);
        const [wide, high] = ratio.split(":").map(Number);
        expect((across ?? 0) * (high ?? 0)).toBe((down ?? 0) * (wide ?? 0));
      }
    }
  });

  it("adds to the gallery only when asked to", () => {
    expect(bodyOf(INITIAL_WISH, [], NOTHING, null)).not.toHaveProperty("add_to_gallery");
    expect(bodyOf({ ...INITIAL_WISH, addToGallery: true }, [], NOTHING, null)).toMatchObject({
      add_to_gallery: true,
    });
  });

  it("has ids as text, own pictures as data, and the ratio of its base", () => {
    const references = addReference(addReference([], gallery("18446744073709551615")), {
      source: { kind: "own", url: "data:image/png;base64,a" },
      title: "own",
      role: "subject",
      weight: 0.4,
    });
    const body = bodyOf(
      { ...INITIAL_WISH, seed: "7", seedLocked: true, sketchWeight: 0.5 },
      references,
      { sketch: "data:s", base: "data:b", mask: "data:m" },
      { ...INITIAL, text: "cat" },
    );
    expect(body.refs).toEqual([
      { role: "style", weight: 0.7, id: "18446744073709551615" },
      { role: "subject", weight: 0.4, image_url: "data:image/png;base64,a" },
    ]);
    expect(body).toMatchObject({
      seed: 7,
      sketch: "data:s",
      sketch_weight: 0.5,
      base: "data:b",
      mask: "data:m",
      query: { text: "cat", w_img: 0.7 },
    });
    expect(body).not.toHaveProperty("aspect_ratio");
    // A mask without a base would be refused.
    expect(bodyOf(INITIAL_WISH, [], { ...NOTHING, mask: "data:m" }, null)).not.toHaveProperty(
      "mask",
    );
  });

  it("has a seed only while it is locked", () => {
    expect(bodyOf({ ...INITIAL_WISH, seed: "7" }, [], NOTHING, null)).not.toHaveProperty("seed");
    expect(missing({ ...INITIAL_WISH, prompt: "a cat", seed: "many" }, [], NOTHING)).toBeNull();
  });

  it("has the drawing as data without its base, and the picture that it goes on from", () => {
    const base = { url: "data:b", width: 9, height: 9, name: "b", from: { id: "job", index: 1 } };
    const stroke = {
      id: "s",
      layer: "line" as const,
      erases: false,
      colour: "#000",
      size: 3,
      pressure: false,
      points: [[1, 2, 0.5] as const],
    };
    const drawn = applyChange(applyChange(EMPTY, { type: "stroke", stroke }), {
      type: "base",
      base,
    });
    const body = bodyOf(INITIAL_WISH, [], { ...NOTHING, base: "data:b" }, null);
    const sent = withDrawing(body, drawn);
    expect(sent.parent).toEqual({ id: "job", index: 1 });
    expect(restored(JSON.parse(sent.drawing ?? ""))).toEqual({ ...drawn, base: null });
    const without = withDrawing(bodyOf(INITIAL_WISH, [], NOTHING, null), EMPTY);
    expect(without).not.toHaveProperty("drawing");
    expect(without).not.toHaveProperty("parent");
  });

  it("has the ratio of the paper", () => {
    for (const ratio of RATIOS)
      expect(ratioNamed(applyChange(EMPTY, { type: "ratio", ratio }))).toBe(ratio);
    expect(ratioNamed({ width: 900, height: 123 })).toBeNull();
  });

  it("lists the gallery's styles first, in its order, and no style twice", () => {
    const tags = ["pixel_art", "line_art", "pop_art"];
    expect(galleryFirst(tags, ["pop_art", "unknown", "line_art"])).toEqual([
      "pop_art",
      "line_art",
      "pixel_art",
    ]);
    expect(galleryFirst(tags, [])).toEqual(tags);
  });

  it("has two styles at most", () => {
    expect(toggleStyle(["a", "b"], "c")).toEqual(["a", "b"]);
    expect(toggleStyle(["a", "b"], "a")).toEqual(["b"]);
  });
});

describe("receipts", () => {
  const line = (input: string, treatment: Treatment) => ({ input, treatment, sent: "x" });
  const lines = [
    line("seed", "honoured"),
    line("prompt", "approximated"),
    line("refs[2]", "dropped"),
  ];
  const receipt = { provider: "local", lines };

  it("list what is missing first, and count it", () => {
    expect(shortfalls(receipt).map(({ input }) => input)).toEqual(["refs[2]", "prompt"]);
    expect(shortfallCounts(receipt)).toEqual({ dropped: 1, approximated: 1 });
    for (const none of [null, undefined]) {
      expect(shortfallCounts(none)).toEqual({ dropped: 0, approximated: 0 });
    }
  });

  it("are summed up before anything is sent", () => {
    expect(summary(receipt)).toBe("1 honoured, 1 approximated, 1 dropped");
    expect(summary({ ...receipt, lines: lines.slice(0, 1) })).toMatch(/^All inputs/);
  });

  it("name their inputs", () => {
    const names = ["refs[0]", "style_tags[1]", "aspect_ratio", "new_input"].map(inputName);
    expect(names).toEqual(["Reference 1", "Style 2", "Aspect ratio", "new input"]);
  });
});

describe("providers", () => {
  it("report failed checks only", () => {
    const checks: Provider["checks"] = [
      { subject: "models", level: "ok", message: "found" },
      { subject: "sketch", level: "warning", message: "its node is missing" },
      { subject: "key", level: "fault", message: "refused" },
    ];
    const failed = failedChecks({ ...LOCAL, checks });
    expect(failed.map(({ subject }) => subject)).toEqual(["sketch", "key"]);
    expect(failedChecks(LOCAL)).toEqual([]);
  });

  it("are named with their model", () => {
    expect([titleOf(LOCAL), titleOf({ ...LOCAL, model: "m" })]).toEqual(["local", "local (m)"]);
  });
});
