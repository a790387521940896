/** The canvases of the paper: one for each layer, and one that takes what a hand draws. */

import { Canvas, Path, StaticCanvas } from "fabric/es";

import type { Drawing, Point, Stroke } from "./drawing";
import { formOf } from "./form";
import { Ink, type Gesture, type Hand } from "./ink";
import { MASK } from "./layers";
import { makeStriped, MASK_COLOUR, MASK_OPACITY } from "./stripes";
import type { Size } from "./view";

/** From the paper to the window. */
type Transform = readonly [scale: number, right: number, down: number];

interface Uses {
  isSelected: (place: Point) => boolean;
  dragged: (right: number, down: number) => void;
  done: (gesture: Gesture) => void;
}

/** Above all layers. */
const TOP = "100000";
/** How much broader an eraser is than a brush of the same size. */
const ERASER = 3;

const OPTIONS = { enableRetinaScaling: true, renderOnAddRemove: false } as const;

export class Surface {
  private readonly top: Canvas;
  private readonly ink: Ink;
  private readonly sheets = new Map<string, Sheet>();
  private hand: Hand = { tool: "brush", colour: "#000", size: 7, masks: false };
  private window: Size = { width: 1, height: 1 };
  private transform: Transform = [1, 0, 0];
  private opacity = 1;

  constructor(
    private readonly host: HTMLElement,
    uses: Uses,
  ) {
    const element = document.createElement("canvas");
    host.append(element);
    this.top = new Canvas(element, {
      ...OPTIONS,
      isDrawingMode: true,
      enablePointerEvents: true,
      selection: false,
      stopContextMenu: false,
    });
    this.ink = new Ink(this.top, { ...uses, hand: () => this.held() });
    this.top.freeDrawingBrush = this.ink;
    Object.assign(this.top.wrapperEl.style, { position: "absolute", inset: "0", zIndex: TOP });
    // The system cancels the pointer for a palm or a gesture. The stroke so far is kept.
    this.top.upperCanvasEl.addEventListener("pointercancel", (event) => {
      document.dispatchEvent(new PointerEvent("pointerup", event));
    });
  }

  /** The opacity is that of the layer, so that a line looks the same before and after it ends. */
  take(hand: Hand, opacity: number): void {
    this.hand = hand;
    this.opacity = opacity;
    this.showHand();
  }

  /** Forgets what is being drawn. */
  abandon(): void {
    this.ink.abandon();
  }

  /** The window has CSS pixels. Fabric uses the pixels of the screen. */
  look(window: Size, transform: Transform): void {
    const { width, height } = window;
    const resized = width !== this.window.width || height !== this.window.height;
    this.window = window;
    this.transform = transform;
    for (const canvas of [this.top, ...[...this.sheets.values()].map((sheet) => sheet.canvas)]) {
      if (resized || canvas.getRetinaScaling() * width !== canvas.lowerCanvasEl.width)
        canvas.setDimensions(window);
      lookThrough(canvas, transform);
      canvas.renderAll();
    }
    this.showHand();
  }

  /** Adds new strokes. After any other change the layer is drawn again. */
  show(drawing: Drawing): void {
    const wanted = [
      ...drawing.layers.filter(({ kind }) => kind === "lines"),
      { id: MASK, opacity: MASK_OPACITY, hidden: false },
    ];
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, sheet] of this.sheets) {
      if (ids.has(id)) continue;
      this.sheets.delete(id);
      sheet.dispose();
    }
    for (const { id, opacity, hidden } of wanted) {
      const sheet = this.sheets.get(id) ?? this.addSheet(id);
      const place = drawing.layers.findIndex((layer) => layer.id === id);
      Object.assign(sheet.element.style, {
        opacity: String(opacity),
        visibility: hidden ? "hidden" : "visible",
        zIndex: String(place < 0 ? drawing.layers.length : place),
      });
      sheet.show(drawing.strokes.filter((stroke) => stroke.layer === id));
    }
  }

  /** Shows strokes at another place, until they are shown again. */
  drag(selection: ReadonlySet<string>, right: number, down: number): void {
    for (const sheet of this.sheets.values()) sheet.drag(selection, right, down);
  }

  async dispose(): Promise<void> {
    const canvases = [this.top, ...[...this.sheets.values()].map((sheet) => sheet.canvas)];
    this.sheets.clear();
    await Promise.all(canvases.map((canvas) => canvas.dispose()));
    this.host.replaceChildren();
  }

  private addSheet(id: string): Sheet {
    const sheet = new Sheet(id === MASK);
    this.sheets.set(id, sheet);
    this.host.insertBefore(sheet.element, this.top.wrapperEl);
    sheet.canvas.setDimensions(this.window);
    lookThrough(sheet.canvas, this.transform);
    return sheet;
  }

  private showHand(): void {
    const { tool, masks } = this.hand;
    const opacity = masks ? MASK_OPACITY : this.opacity;
    this.top.freeDrawingCursor = cursorOf(this.held(), this.transform[0]);
    this.top.upperCanvasEl.style.opacity = String(tool === "lasso" ? 1 : opacity);
    this.top.upperCanvasEl.style.cursor = this.top.freeDrawingCursor;
  }

  private held(): Hand {
    const { tool, colour, size, masks } = this.hand;
    return {
      tool,
      masks,
      colour: masks ? MASK_COLOUR : colour,
      size: tool === "eraser" ? size * ERASER : size,
    };
  }
}

/** The canvas of one layer, so that an eraser changes its own layer only. */
class Sheet {
  readonly element = document.createElement("canvas");
  readonly canvas = new StaticCanvas(this.element, OPTIONS);
  private shown: readonly Stroke[] = [];
  /** Where the objects that are dragged were before. */
  private places = new Map<object, readonly [left: number, top: number]>();

  constructor(striped: boolean) {
    Object.assign(this.element.style, { position: "absolute", inset: "0" });
    if (!striped) return;
    this.canvas.on("after:render", ({ ctx }) =>
      makeStriped(ctx, this.canvas.getRetinaScaling()),
    );
  }

  show(wanted: readonly Stroke[]): void {
    const before = this.shown;
    const continues =
      this.places.size === 0 &&
      before.length <= wanted.length &&
      before.every((stroke, index) => stroke.id === wanted[index]?.id);
    if (continues && before.length === wanted.length) return;
    if (!continues) this.canvas.remove(...this.canvas.getObjects());
    this.canvas.add(...wanted.slice(continues ? before.length : 0).map(objectOf));
    this.shown = wanted;
    this.places.clear();
    this.canvas.renderAll();
  }

  drag(selection: ReadonlySet<string>, right: number, down: number): void {
    let dragged = false;
    this.canvas.getObjects().forEach((object, index) => {
      const { id } = this.shown[index] ?? {};
      if (id === undefined || !selection.has(id) || !(object instanceof Path)) return;
      const place = this.places.get(object) ?? [object.left, object.top];
      this.places.set(object, place);
      object.set({ left: place[0] + right, top: place[1] + down });
      object.setCoords();
      dragged = true;
    });
    if (dragged) this.canvas.renderAll();
  }

  dispose(): void {
    void this.canvas.dispose();
    this.element.remove();
  }
}

function lookThrough(canvas: StaticCanvas, [scale, right, down]: Transform): void {
  canvas.viewportTransform = [scale, 0, 0, scale, right, down];
  canvas.calcViewportBoundaries();
}

function objectOf(stroke: Stroke): Path {
  const { path, width } = formOf(stroke);
  return new Path(path, {
    fill: width === null ? stroke.colour : null,
    stroke: width === null ? null : stroke.colour,
    strokeWidth: width ?? 0,
    strokeLineJoin: "round",
    strokeLineCap: "round",
    globalCompositeOperation: stroke.erases ? "destination-out" : "source-over",
    selectable: false,
    evented: false,
    // An eraser must see the strokes below, which a cached picture of one stroke does not contain.
    objectCaching: false,
  });
}

function cursorOf({ size: brush, tool }: Hand, scale: number): string {
  if (tool !== "brush" && tool !== "eraser") return "crosshair";
  const side = Math.max(6, Math.min(120, brush * scale));
  const half = side / 2 + 1;
  const dash = tool === "eraser" ? ' stroke-dasharray="3 2"' : "";
  const circle = (colour: string, width: number) =>
    `<circle cx="${half}" cy="${half}" r="${side / 2}" fill="none" stroke="${colour}" ` +
    `stroke-width="${width}"${dash}/>`;
  const size = `width="${half * 2}" height="${half * 2}"`;
  const circles = `${circle("#fff", 2)}${circle("#000", 1)}`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${circles}</svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}") ${half} ${half}, crosshair`;
}
