/** The references that pictures are made from. */

import { create } from "zustand";

import type { Provider, Support } from "@/api/providers";
import { uniqueId } from "@/lib/id";
import { isFields } from "@/lib/json";

export type Role = "style" | "subject";

export interface Reference {
  key: string;
  role: Role;
  weight: number;
  title: string;
  /** A picture of the gallery by its id, or a picture of the artist's own as a data URL. */
  source: { kind: "gallery"; id: string } | { kind: "own"; url: string };
  licence: string | null;
  /** Why the server suggested it. */
  reason: string | null;
}

export const MOST_REFERENCES = 16;
const USUAL_WEIGHT = 0.7;

export function isSame(left: Reference["source"], right: Reference["source"]): boolean {
  if (left.kind === "gallery") return right.kind === "gallery" && left.id === right.id;
  return right.kind === "own" && left.url === right.url;
}

export type NewReference = Pick<Reference, "source" | "title"> & Partial<Reference>;

/** A picture is in the tray once; the same again may take another role. */
export function added(references: readonly Reference[], reference: NewReference): Reference[] {
  const { source, title, role = "style", weight = USUAL_WEIGHT, licence = null, reason = null } = reference;
  if (references.some((known) => isSame(known.source, source))) {
    return references.map((known) => (isSame(known.source, source) ? { ...known, role, reason: reason ?? known.reason } : known));
  }
  if (references.length >= MOST_REFERENCES) return [...references];
  return [...references, { key: uniqueId(), source, title, role, weight, licence, reason }];
}

export interface Honour {
  support: Support;
  note: string;
}

/** What a provider does with a reference: known before anything is sent. */
export function honourOf(provider: Provider, references: readonly Reference[], reference: Reference): Honour {
  const place = references.indexOf(reference);
  if (place >= provider.maxReferences) {
    return { support: "no", note: `${provider.name} takes ${provider.maxReferences} references, and this is number ${place + 1}` };
  }
  const support = reference.role === "style" ? provider.styleReferences : provider.subjectReferences;
  if (support === "no") return { support, note: `${provider.name} takes no ${reference.role} references` };
  if (support === "approximate") return { support, note: `${provider.name} takes it as a hint` };
  if (provider.weights === "yes") return { support: "yes", note: "taken as asked, weight included" };
  if (provider.weights === "approximate") return { support: "approximate", note: "taken; its weight is put into words" };
  return { support: "approximate", note: "taken; its weight is not used" };
}

interface Tray {
  references: Reference[];
  add: (reference: NewReference) => void;
  change: (key: string, part: Partial<Pick<Reference, "role" | "weight">>) => void;
  remove: (key: string) => void;
  clear: () => void;
}

export const useTray = create<Tray>()((set) => ({
  references: [],
  add: (reference) => set((tray) => ({ references: added(tray.references, reference) })),
  change: (key, part) =>
    set((tray) => ({ references: tray.references.map((known) => (known.key === key ? { ...known, ...part } : known)) })),
  remove: (key) => set((tray) => ({ references: tray.references.filter((known) => known.key !== key) })),
  clear: () => set({ references: [] }),
}));

/** A reference that was kept. */
export function isReference(value: unknown): value is Reference {
  if (!isFields(value)) return false;
  const { key, role, weight, title, source, licence, reason } = value;
  const worded = (word: unknown) => word === null || typeof word === "string";
  return (
    typeof key === "string" &&
    (role === "style" || role === "subject") &&
    typeof weight === "number" &&
    typeof title === "string" &&
    worded(licence) &&
    worded(reason) &&
    isSource(source)
  );
}

function isSource(value: unknown): value is Reference["source"] {
  if (!isFields(value)) return false;
  const { kind, id, url } = value;
  return kind === "gallery" ? typeof id === "string" : kind === "own" && typeof url === "string" && url.startsWith("data:image/");
}
