/** Presets of a generation: how much style, subject and base count. */

import type { Provider } from "@/api/client";
import type { Reference } from "@/references/store";

import type { Pictures, WishBody } from "./wish";

export interface GenerationPreset {
  /** Its name in requests. */
  name: string;
  title: string;
  explains: string;
  /** Factors of the references' weights, for providers that do not know the preset. */
  style: number;
  subject: number;
  /** Whether the mask is used; undefined leaves that as it is. */
  useMask?: boolean;
}

/** The presets of the server, with its factors for references. */
export const GENERATION_PRESETS: readonly GenerationPreset[] = [
  {
    name: "style_first",
    title: "Style first",
    explains: "Style references dominate; subjects are a hint",
    style: 1,
    subject: 0.3,
  },
  {
    name: "subject_first",
    title: "Subject first",
    explains: "Subject references dominate; style is a finish",
    style: 0.4,
    subject: 1,
  },
  {
    name: "img2img",
    title: "From a picture",
    explains: "Starts from the base, and keeps what it shows",
    style: 0.9,
    subject: 0.5,
    useMask: false,
  },
  {
    name: "tight_edit",
    title: "Tight edit",
    explains: "Changes only the masked area, close to its references",
    style: 0.5,
    subject: 0.9,
    useMask: true,
  },
];

export function presetNamed(name: string): GenerationPreset | null {
  return GENERATION_PRESETS.find((preset) => preset.name === name) ?? null;
}

/** Whether the provider has the preset itself. */
export function knowsPreset(provider: Provider | null, { name }: GenerationPreset): boolean {
  return provider?.presets.includes(name) === true;
}

/** What a preset lacks, or null. */
export function lackingFor(
  name: string,
  provider: Provider | null,
  references: readonly Reference[],
  { base, mask }: Pictures,
): string | null {
  const preset = presetNamed(name);
  if (preset?.name === "tight_edit" && (base === null || mask === null)) {
    return "A tight edit needs a base with a painted mask";
  }
  if (preset?.name !== "img2img" || base !== null) return null;
  const hasSubject = references.some(({ role }) => role === "subject");
  if (knowsPreset(provider, preset) && hasSubject) return null;
  return "This preset starts from a picture: use one as the base";
}

/** The request with a preset: by its name if the provider knows it, otherwise by its weights. */
export function withPreset(body: WishBody, name: string, provider: Provider | null): WishBody {
  const preset = presetNamed(name);
  if (preset === null) return body;
  if (knowsPreset(provider, preset)) return { ...body, preset: name };
  const weigh = (weight: number, role: string) =>
    Math.round(weight * (role === "subject" ? preset.subject : preset.style) * 100) / 100;
  return {
    ...body,
    refs: body.refs.map((ref) => ({ ...ref, weight: weigh(ref.weight ?? 1, ref.role ?? "style") })),
  };
}
