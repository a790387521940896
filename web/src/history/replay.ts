/**
 * Restores what pictures were made from, as a new drawing: words, sketch, references, mask, seed.
 */

import { api, body } from "@/api/client";
import { pictureOf, type Role } from "@/api/pictures";
import { useDocument } from "@/documents/current";
import { shortened } from "@/lib/format";
import { parsed } from "@/lib/json";
import { presetNamed } from "@/make/presets";
import { INITIAL_WISH, MOST_STYLE_TAGS, unsized, useWish, type Wish } from "@/make/wish";
import {
  applyChange,
  EMPTY,
  type Base,
  type Drawing,
  type MadePlace,
} from "@/pad/drawing";
import { startHistory } from "@/pad/history";
import { baseAt, fileAt } from "@/pad/load";
import { restored } from "@/pad/restored";
import { hasInk } from "@/pad/seen";
import { usePad } from "@/pad/store";
import { addReference, useReferences, type NewReference, type Reference } from "@/references/store";
import { useLayout } from "@/state/layout";
import { goTo } from "@/state/place";

import { fetchDetails, type Details } from "./calls";
import { nameOf } from "./name";

type Settings = Details["settings"];

/** Restores the settings of an entry, with the seed of one of its pictures. */
export async function restoreSettings(id: string, picture: number | null): Promise<void> {
  const details = await fetchDetails(id);
  const missing = missingIn(details);
  const base = await baseOf(details.settings.base, missing);
  await show(details, await drawingOf(details, base, missing), picture, missing);
}

/** The same with one of the pictures as the base, so that the next ones belong to its chain. */
export async function goOnFrom(id: string, picture: number): Promise<void> {
  const details = await fetchDetails(id);
  const missing = missingIn(details).filter((name) => name !== "the base");
  const made = details.pictures.find(({ index }) => index === picture);
  if (made === undefined) throw new Error("This picture was deleted.");
  const from: MadePlace = { id, index: picture };
  const base = await baseAt(made.url, `${shortened(nameOf(details), 40)}, ${picture + 1}`, from);
  await show(details, await drawingOf(details, base, missing), picture, missing);
}

const INPUTS: Readonly<Record<string, string>> = {
  sketch: "the sketch",
  base: "the base",
  mask: "the mask",
  drawing: "the lines of the drawing",
};

/** What the server no longer has, as words. */
function missingIn({ missing, complete }: Details): string[] {
  const references = missing.filter((name) => name.startsWith("refs["));
  return [
    ...missing.flatMap((name) => INPUTS[name] ?? []),
    ...(references.length > 0 ? [`${references.length} of the references`] : []),
    ...(complete ? [] : ["what older pictures do not say of their making"]),
  ];
}

/** Only files of this server can be loaded. */
function isOwn(path: string | null | undefined): path is string {
  return path != null && path.startsWith("/") && !path.startsWith("//");
}

async function baseOf(path: string | null | undefined, missing: string[]): Promise<Base | null> {
  if (path == null) return null;
  if (isOwn(path)) return baseAt(path, "The base");
  missing.push("the base, which is on another site");
  return null;
}

/** The drawing with its strokes, as far as they are known, over the base. */
async function drawingOf(
  { settings }: Details,
  base: Base | null,
  missing: string[],
): Promise<Drawing> {
  let drawing = EMPTY;
  if (isOwn(settings.drawing)) {
    const document = parsed(await (await fileAt(settings.drawing)).text());
    drawing = restored(document) ?? EMPTY;
  }
  for (const [picture, layer, name] of [
    [settings.sketch, "line", "the sketch, which was sent as a picture"],
    [settings.mask, "mask", "the mask, which was sent as a picture"],
  ] as const) {
    if (picture != null && !hasInk(drawing, layer)) missing.push(name);
  }
  const ratio = settings.aspect_ratio ?? "1:1";
  const sized = applyChange({ ...drawing, base: null }, { type: "ratio", ratio });
  if (base !== null) return applyChange({ ...drawing, base: null }, { type: "base", base });
  return drawing === EMPTY ? sized : { ...drawing, base: null };
}

/** Shows everything in the studio. The drawing that was there stays in the list of drawings. */
async function show(
  details: Details,
  drawing: Drawing,
  picture: number | null,
  missing: string[],
): Promise<void> {
  const references = await referencesOf(details.settings, missing);
  const document = useDocument.getState();
  await document.begin();
  useWish.getState().set(wishOf(details, picture, missing));
  usePad.setState({ history: startHistory(drawing) });
  useReferences.getState().replace(references);
  document.rename(shortened(nameOf(details), 60));
  const notice = missing.length === 0 ? null : `Not restored: ${missing.join("; ")}.`;
  useDocument.setState({ notice });
  useLayout.getState().show("make");
  goTo("studio");
}

/** The settings of the form. */
export function wishOf(
  { settings, pictures }: Pick<Details, "settings" | "pictures">,
  picture: number | null,
  missing: string[],
): Wish {
  const made = pictures.find(({ index }) => index === picture);
  const seed = made?.seed ?? settings.seed ?? pictures[0]?.seed ?? null;
  const { ratio, size } = unsized(settings.aspect_ratio) ?? INITIAL_WISH;
  const more = settings.style_tags.slice(MOST_STYLE_TAGS);
  if (more.length > 0) missing.push(`the style ${more.join(", ")}`);
  const preset = settings.preset ?? "";
  if (preset !== "" && presetNamed(preset) === null) missing.push(`the preset ${preset}`);
  return {
    prompt: settings.prompt ?? "",
    negativePrompt: settings.negative_prompt ?? "",
    styleTags: settings.style_tags.slice(0, MOST_STYLE_TAGS),
    count: settings.count,
    preset: presetNamed(preset)?.name ?? "",
    seed: seed === null ? "" : String(seed),
    seedLocked: seed !== null,
    ratio,
    size,
    useSketch: settings.sketch != null,
    sketchWeight: settings.sketch_weight ?? INITIAL_WISH.sketchWeight,
    // A mask that is painted now shall count, although the picture was made without one.
    useMask: INITIAL_WISH.useMask,
    provider: settings.provider ?? "",
    strict: settings.strict,
    addToGallery: settings.add_to_gallery,
  };
}

/** The references. Those of the gallery have the titles that they have now. */
async function referencesOf({ refs }: Settings, missing: string[]): Promise<Reference[]> {
  const known = await galleryPictures(refs.flatMap(({ id }) => id ?? []));
  let references: Reference[] = [];
  for (const { role: given, weight, id, url } of refs) {
    const role: Role = given === "subject" ? "subject" : "style";
    const common = { role, ...(weight == null ? {} : { weight }) };
    let reference: NewReference | null = null;
    if (id != null) {
      const found = known.get(id);
      if (found === undefined) missing.push("a reference that is no longer in the gallery");
      else reference = { ...common, ...found, source: { kind: "gallery", id } };
    } else if (isOwn(url)) {
      const own = await baseAt(url, "Own picture");
      reference = { ...common, title: own.name, source: { kind: "own", url: own.url } };
    } else {
      missing.push("a reference that is on another site");
    }
    if (reference !== null) references = addReference(references, reference);
  }
  return references;
}

type Titled = Pick<Reference, "title" | "licence">;

async function galleryPictures(ids: readonly string[]): Promise<Map<string, Titled>> {
  if (ids.length === 0) return new Map();
  const query = { ids: [...new Set(ids)].join(",") };
  const { pictures } = body(await api.GET("/api/pictures", { params: { query } }));
  return new Map(
    pictures.map((picture) => {
      const { id, title, licence } = pictureOf(picture.id, picture.payload);
      return [id, { title, licence }];
    }),
  );
}
