/** The references that pictures are generated from. */

import { create } from "zustand";

import type { Provider, Support } from "@/api/client";
import type { Role } from "@/api/pictures";
import { plural } from "@/lib/format";
import { uniqueId } from "@/lib/id";
import { isFields } from "@/lib/json";

export interface Reference {
  key: string;
  role: Role;
  weight: number;
  title: string;
  /** A picture of the gallery by its id, or the artist's own picture as a data URL. */
  source: { kind: "gallery"; id: string } | { kind: "own"; url: string };
  licence: string | null;
  /** Why the server suggested it. */
  reason: string | null;
}

export const MOST_REFERENCES = 16;
const DEFAULT_WEIGHT = 0.7;

export function isSame(left: Reference["source"], right: Reference["source"]): boolean {
  if (left.kind === "gallery") return right.kind === "gallery" && left.id === right.id;
  return right.kind === "own" && left.url === right.url;
}

export type NewReference = Pick<Reference, "source" | "title"> & Partial<Reference>;

/** A picture is listed once: adding it again changes its role. */
export function addReference(
  references: readonly Reference[],
  reference: NewReference,
): Reference[] {
  const { source, title, role = "style", weight = DEFAULT_WEIGHT } = reference;
  const { licence = null, reason = null } = reference;
  if (references.some((known) => isSame(known.source, source))) {
    return references.map((known) =>
      isSame(known.source, source) ? { ...known, role, reason: reason ?? known.reason } : known,
    );
  }
  if (references.length >= MOST_REFERENCES) return [...references];
  return [...references, { key: uniqueId(), source, title, role, weight, licence, reason }];
}

export interface ReferenceSupport {
  support: Support;
  note: string;
}

/** How a provider will treat a reference, before anything is sent. */
export function supportOf(
  { provider: name, ...provider }: Provider,
  references: readonly Reference[],
  reference: Reference,
): ReferenceSupport {
  const place = references.indexOf(reference) + 1;
  const most = provider.max_references;
  if (place > most) {
    const note = `${name} takes ${plural(most, "reference")}, and this is number ${place}`;
    return { support: "no", note };
  }
  const { role } = reference;
  const support = role === "style" ? provider.style_references : provider.subject_references;
  if (support === "no") return { support, note: `${name} takes no ${role} references` };
  if (support === "approximate") return { support, note: `${name} takes it as a hint` };
  switch (provider.weights) {
    case "yes":
      return { support: "yes", note: "used as asked, with its weight" };
    case "approximate":
      return { support: "approximate", note: "used; its weight is put into words" };
    case "no":
      return { support: "approximate", note: "used; its weight is ignored" };
  }
}

interface References {
  references: Reference[];
  /** Whether one was not added since there was no room, and nothing was changed since. */
  refused: boolean;
  /** What *Remove all* removed, until another one is added. */
  removed: readonly Reference[];
  add: (reference: NewReference) => void;
  change: (key: string, part: Partial<Pick<Reference, "role" | "weight">>) => void;
  remove: (key: string) => void;
  clear: () => void;
  /** Puts back what *Remove all* removed. */
  putBack: () => void;
  /** Shows those of another drawing. */
  replace: (references: readonly Reference[]) => void;
}

export const useReferences = create<References>()((set) => ({
  references: [],
  refused: false,
  removed: [],
  add: (reference) =>
    set((state) => {
      const references = addReference(state.references, reference);
      const known = state.references.some(({ source }) => isSame(source, reference.source));
      const refused = !known && references.length === state.references.length;
      return { references, refused, removed: [] };
    }),
  change: (key, part) =>
    set(({ references }) => ({
      references: references.map((known) => (known.key === key ? { ...known, ...part } : known)),
    })),
  remove: (key) =>
    set(({ references }) => ({
      references: references.filter((known) => known.key !== key),
      refused: false,
    })),
  clear: () => set(({ references }) => ({ references: [], refused: false, removed: references })),
  putBack: () => set(({ removed }) => ({ references: [...removed], removed: [] })),
  replace: (references) => set({ references: [...references], refused: false, removed: [] }),
}));

/** Whether a stored value is a reference. */
export function isReference(value: unknown): value is Reference {
  if (!isFields(value)) return false;
  const { key, role, weight, title, source, licence, reason } = value;
  return (
    typeof key === "string" &&
    (role === "style" || role === "subject") &&
    typeof weight === "number" &&
    typeof title === "string" &&
    (licence === null || typeof licence === "string") &&
    (reason === null || typeof reason === "string") &&
    isSource(source)
  );
}

function isSource(value: unknown): value is Reference["source"] {
  if (!isFields(value)) return false;
  const { kind, id, url } = value;
  if (kind === "gallery") return typeof id === "string";
  return kind === "own" && typeof url === "string" && url.startsWith("data:image/");
}
