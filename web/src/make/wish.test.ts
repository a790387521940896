import { describe, expect, it } from "vitest";

import { providerOf, receiptOf } from "@/api/providers";
import { START } from "@/find/query";
import { changed, EMPTY } from "@/pad/drawing";
import { added, honourOf, MOST_REFERENCES, type Reference } from "@/tray/tray";

import { outcome, shortfalls } from "./receipt";
import { bodyOf, FIRST_WISH, lacks, ratioNamed, RATIOS, seedFault, toggledStyle } from "./wish";

const NOTHING = { sketch: null, base: null, mask: null };
const gallery = (id: string) => ({ source: { kind: "gallery", id } as const, title: id });
const LOCAL = providerOf({ provider: "local", style_references: "yes", subject_references: "yes", weights: "yes", max_references: 2, sketch: "yes", ratios: { listed: [{ width: 3, height: 4 }] }, style_tags: ["pixel_art"], cancel: "drops_billed" });

describe("the tray", () => {
  it("holds each picture once, and gives it another role when it is added again", () => {
    let references: Reference[] = added([], gallery("1"));
    references = added(references, { ...gallery("1"), role: "subject" });
    references = added(references, gallery("2"));
    expect(references.map(({ role, title }) => [title, role])).toEqual([["1", "subject"], ["2", "style"]]);
  });

  it("is full at some time", () => {
    let references: Reference[] = [];
    for (let id = 0; id < 20; id += 1) references = added(references, gallery(String(id)));
    expect(references.length).toBe(MOST_REFERENCES);
  });

  it("tells what the provider honours before anything is sent", () => {
    const references = ["1", "2", "3"].reduce<Reference[]>((known, id) => added(known, gallery(id)), []);
    const said = (provider: typeof LOCAL) => references.map((reference) => honourOf(provider, references, reference).support);
    expect(said(LOCAL)).toEqual(["yes", "yes", "no"]);
    expect(said({ ...LOCAL, weights: "no" })).toEqual(["approximate", "approximate", "no"]);
    expect(said({ ...LOCAL, styleReferences: "no", maxReferences: 9 })).toEqual(["no", "no", "no"]);
  });
});

describe("a wish", () => {
  it("says what it lacks", () => {
    expect(lacks(FIRST_WISH, [], NOTHING)).toMatch(/prompt/);
    expect(lacks({ ...FIRST_WISH, prompt: "a cat" }, [], NOTHING)).toBeNull();
    expect(lacks(FIRST_WISH, [], { ...NOTHING, sketch: "data:" })).toBeNull();
    expect(lacks({ ...FIRST_WISH, prompt: "a cat", seed: "many" }, [], NOTHING)).toMatch(/whole number/);
    for (const seed of ["", "0", "42", "9007199254740991"]) expect(seedFault(seed)).toBeNull();
    for (const seed of ["-1", "1.5", "1e3", "9007199254740993"]) expect(seedFault(seed)).not.toBeNull();
  });

  it("becomes a body with what is asked for and nothing else", () => {
    expect(bodyOf({ ...FIRST_WISH, prompt: " a cat " }, [], NOTHING, null)).toEqual({ count: 2, refs: [], style_tags: [], strict: false, prompt: "a cat", aspect_ratio: "1:1" });
  });

  it("adds to the gallery only when that is wanted", () => {
    expect(bodyOf(FIRST_WISH, [], NOTHING, null)).not.toHaveProperty("add_to_gallery");
    expect(bodyOf({ ...FIRST_WISH, addToGallery: true }, [], NOTHING, null)).toMatchObject({ add_to_gallery: true });
  });

  it("takes ids as text, own pictures as data, and the base's shape", () => {
    const references = added(added([], gallery("18446744073709551615")), { source: { kind: "own", url: "data:image/png;base64,a" }, title: "own", role: "subject", weight: 0.4 });
    const body = bodyOf({ ...FIRST_WISH, seed: "7", sketchWeight: 0.5 }, references, { sketch: "data:s", base: "data:b", mask: "data:m" }, { ...START, text: "cat" });
    expect(body.refs).toEqual([
      { role: "style", weight: 0.7, id: "18446744073709551615" },
      { role: "subject", weight: 0.4, image_url: "data:image/png;base64,a" },
    ]);
    expect(body).toMatchObject({ seed: 7, sketch: "data:s", sketch_weight: 0.5, base: "data:b", mask: "data:m", query: { text: "cat", w_img: 0.7 } });
    expect(body).not.toHaveProperty("aspect_ratio");
    // A mask without a base would be refused.
    expect(bodyOf(FIRST_WISH, [], { ...NOTHING, mask: "data:m" }, null)).not.toHaveProperty("mask");
  });

  it("has the ratio of the paper", () => {
    for (const ratio of RATIOS) expect(ratioNamed(changed(EMPTY, { type: "ratio", ratio }))).toBe(ratio);
    expect(ratioNamed({ width: 900, height: 123 })).toBeNull();
  });

  it("has two styles at most", () => {
    expect(toggledStyle(["a", "b"], "c")).toEqual(["a", "b"]);
    expect(toggledStyle(["a", "b"], "a")).toEqual(["b"]);
  });
});

describe("what the server says", () => {
  it("of providers is read with care", () => {
    expect(LOCAL.ratios).toEqual(["3:4"]);
    expect(LOCAL.cancelIsBilled).toBe(true);
    const checks = [{ subject: "models", level: "ok", message: "there" }, { subject: "sketch", level: "warning", message: "its node is not there" }, { subject: "key", level: "fault", message: "refused" }, 7];
    expect(providerOf({ checks }).troubles).toEqual([{ subject: "sketch", message: "its node is not there", fault: false }, { subject: "key", message: "refused", fault: true }]);
    expect(LOCAL.troubles).toEqual([]);
    expect(providerOf({ ratios: "any", sketch: "perhaps" })).toMatchObject({ name: "unknown", ratios: null, sketch: "no", maxReferences: 0 });
  });

  it("of what is missing comes first, and a success that lacks something is counted", () => {
    const line = (input: string, treatment: string) => ({ input, treatment, sent: "x", reason: "y" });
    const receipt = receiptOf({ provider: "local", lines: [line("seed", "honoured"), line("prompt", "approximated"), line("refs[2]", "dropped")] });
    if (receipt === null) throw new Error("no receipt");
    expect(shortfalls(receipt).map(({ input }) => input)).toEqual(["refs[2]", "prompt"]);
    expect(outcome(receipt)).toEqual({ dropped: 1, approximated: 1 });
    expect(outcome(null)).toEqual({ dropped: 0, approximated: 0 });
  });

  it("in receipts too", () => {
    expect(receiptOf({ provider: "local", lines: [{ input: "seed", treatment: "honoured", sent: "7" }, { input: "x", treatment: "eaten" }] })).toEqual({
      provider: "local",
      lines: [{ input: "seed", treatment: "honoured", sent: "7", reason: null }],
    });
    expect(receiptOf(null)).toBeNull();
  });
});
