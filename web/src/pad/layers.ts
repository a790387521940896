/** The layers of a drawing. All functions return a new list, or the same one without a change. */

/** The layer that is painted again. It is above all others, and never searched by. */
export const MASK = "mask";
/** The place of the base picture among the layers. */
export const BASE = "base";

export interface Layer {
  id: string;
  kind: "lines" | "base";
  name: string;
  /** 0..1 */
  opacity: number;
  hidden: boolean;
}

const FIRST: Layer = { id: "line", kind: "lines", name: "Lines", opacity: 1, hidden: false };

/** Those of a new drawing. */
export const FIRST_LAYERS: readonly Layer[] = [
  { id: BASE, kind: "base", name: "Base", opacity: 1, hidden: false },
  FIRST,
];

type Layers = readonly Layer[];

const isLines = ({ kind }: Layer) => kind === "lines";

/** Adds an empty layer above another one, or above all. */
export function withLayer(layers: Layers, id: string, above: string): Layers {
  const place = layers.findIndex((layer) => layer.id === above);
  const names = new Set(layers.map(({ name }) => name));
  let number = layers.filter(isLines).length + 1;
  while (names.has(`Layer ${number}`)) number += 1;
  const added: Layer = { ...FIRST, id, name: `Layer ${number}` };
  const at = place < 0 ? layers.length : place + 1;
  return [...layers.slice(0, at), added, ...layers.slice(at)];
}

/** Removes a layer, unless it is the base or the last one to draw on. */
export function withoutLayer(layers: Layers, id: string): Layers {
  const removable = layers.some((layer) => layer.id === id && isLines(layer));
  if (!removable || layers.filter(isLines).length < 2) return layers;
  return layers.filter((layer) => layer.id !== id);
}

export function changedLayer(
  layers: Layers,
  id: string,
  change: Partial<Pick<Layer, "name" | "opacity" | "hidden">>,
): Layers {
  return layers.map((layer) => (layer.id === id ? { ...layer, ...change } : layer));
}

/** Moves a layer up (1) or down (-1) by one place. Without a picture, the base is no place. */
export function movedLayer(layers: Layers, id: string, by: 1 | -1, hasBase = true): Layers {
  const place = layers.findIndex((layer) => layer.id === id);
  const beside = layers[place + by];
  const other = beside?.kind === "base" && !hasBase ? layers[place + 2 * by] : beside;
  const moving = layers[place];
  if (moving === undefined || other === undefined) return layers;
  return layers.map((layer) => (layer === moving ? other : layer === other ? moving : layer));
}

export function shown(layers: Layers, id: string): Layers {
  const hidden = layers.some((layer) => layer.id === id && layer.hidden);
  return hidden ? changedLayer(layers, id, { hidden: false }) : layers;
}

export const isVisible = ({ hidden, opacity }: Layer): boolean => !hidden && opacity > 0;

/**
 * The layers with lines that can be seen, from the lowest to the highest. A base fills the paper,
 * so that it covers all layers below it unless it is transparent.
 */
export function seenLines(layers: Layers, hasBase: boolean): Layers {
  const base = layers.findIndex(
    (layer) => hasBase && layer.kind === "base" && isVisible(layer) && layer.opacity === 1,
  );
  return layers.slice(base + 1).filter((layer) => isLines(layer) && isVisible(layer));
}

/** The layer to draw on: the wanted one if it still exists, or else the highest. */
export function layerToDraw(layers: Layers, wanted: string): string {
  if (wanted === MASK) return MASK;
  const lines = layers.filter(isLines);
  return (lines.find(({ id }) => id === wanted) ?? lines.at(-1) ?? FIRST).id;
}

export function isLayerList(value: unknown): value is readonly Layer[] {
  if (!Array.isArray(value) || !value.every(isLayer)) return false;
  const ids = new Set(value.map(({ id }) => id));
  const bases = value.filter(({ kind }) => kind === "base");
  return (
    ids.size === value.length && !ids.has(MASK) && bases.length === 1 && value.some(isLines)
  );
}

function isLayer(value: unknown): value is Layer {
  if (typeof value !== "object" || value === null) return false;
  const { id, kind, name, opacity, hidden } = value as Partial<Record<keyof Layer, unknown>>;
  return (
    typeof id === "string" &&
    (kind === "lines" || kind === "base") &&
    typeof name === "string" &&
    typeof opacity === "number" &&
    opacity >= 0 &&
    opacity <= 1 &&
    typeof hidden === "boolean"
  );
}
