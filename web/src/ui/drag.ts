/** Pictures that are dragged between results, boards, references and the pad. */

import type { DragEvent } from "react";

import { pictureOf, type Picture } from "@/api/pictures";
import { fields, parsed, text } from "@/lib/json";

const TYPE = "application/x-clippy-picture";

export type Dragged = Pick<Picture, "id" | "title" | "licence">;

export function drag(event: DragEvent, { id, title, licence }: Dragged): void {
  event.dataTransfer.setData(TYPE, JSON.stringify({ id, title, licence }));
  event.dataTransfer.effectAllowed = "copy";
}

/** Whether a picture of the gallery is dragged. */
export function isGalleryDrag(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes(TYPE) ?? false;
}

/** What is known of a dragged picture. */
export function pictureOfDrag({ id, title, licence }: Dragged): Picture {
  return pictureOf(id, { subject: title, license: licence });
}

/** Whether a result or a file is dragged. */
export function isPictureDrag({ dataTransfer: { types } }: DragEvent): boolean {
  return types.includes(TYPE) || types.includes("Files");
}

export function draggedPicture(event: DragEvent): Dragged | null {
  const given = fields(parsed(event.dataTransfer.getData(TYPE)));
  const id = text(given["id"]);
  if (id === null) return null;
  return { id, title: text(given["title"]) ?? id, licence: text(given["licence"]) };
}

export function pictureFiles(transfer: DataTransfer | null): File[] {
  return Array.from(transfer?.files ?? []).filter((file) => file.type.startsWith("image/"));
}
