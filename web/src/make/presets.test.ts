import { describe, expect, it } from "vitest";

import type { Provider } from "@/api/client";
import { addReference, type Reference } from "@/references/store";

import { lackingFor, withPreset } from "./presets";
import { bodyOf, INITIAL_WISH, type Pictures } from "./wish";

const NOTHING: Pictures = { sketch: null, base: null, mask: null };
const BASE: Pictures = { ...NOTHING, base: "data:b" };
const provider = (presets: string[]) => ({ provider: "p", presets }) as unknown as Provider;
const LOCAL = provider([]);
const COMFYUI = provider(["style_first", "subject_first", "img2img", "tight_edit"]);

const both = (["style", "subject"] as const).reduce<Reference[]>(
  (known, role) =>
    addReference(known, { source: { kind: "gallery", id: role }, title: role, role, weight: 0.5 }),
  [],
);
const BODY = bodyOf({ ...INITIAL_WISH, prompt: "a cat" }, both, NOTHING, null);

describe("a preset", () => {
  it("is sent by its name to a provider that has it, with the weights as they are", () => {
    const body = withPreset(BODY, "subject_first", COMFYUI);
    expect([body.preset, body.refs.map(({ weight }) => weight)]).toEqual([
      "subject_first",
      [0.5, 0.5],
    ]);
  });

  it("is sent as weights to other providers", () => {
    const body = withPreset(BODY, "subject_first", LOCAL);
    expect([body.preset, body.refs.map(({ weight }) => weight)]).toEqual([undefined, [0.2, 0.5]]);
    expect(withPreset(BODY, "", LOCAL)).toBe(BODY);
    expect(withPreset(BODY, "of a later version", LOCAL)).toBe(BODY);
  });

  it("says what it lacks", () => {
    const lacking = (name: string, by: Provider, pictures = NOTHING, references = both) =>
      lackingFor(name, by, references, pictures);
    expect(lacking("style_first", LOCAL)).toBeNull();
    expect(lacking("tight_edit", COMFYUI, BASE)).toMatch(/painted mask/);
    expect(lacking("img2img", LOCAL)).toMatch(/use one as the base/);
    expect(lacking("img2img", LOCAL, BASE)).toBeNull();
    // ComfyUI starts from the first subject.
    expect(lacking("img2img", COMFYUI)).toBeNull();
    expect(lacking("img2img", COMFYUI, NOTHING, [])).toMatch(/use one as the base/);
  });
});
