/** The canvases of the paper: one for each layer, so that an eraser changes its own layer only. */

import { BaseBrush, Canvas, Path, type Point as Place, type TPointerEvent } from "fabric";

import type { Drawing, Layer, Point, Stroke } from "./drawing";
import { isDistinct, pathOf } from "./outline";
import type { Tool } from "./store";

/** The current tool. */
export interface Hand {
  layer: Layer;
  tool: Tool;
  colour: string;
  size: number;
}

export type Drawn = Pick<Stroke, "points" | "pressure" | "size" | "erases" | "colour" | "layer">;

/** The layer as a whole is transparent, so that the base stays visible below it. */
export const MASK_COLOUR = "#d8343a";
const LAYERS = ["line", "mask"] as const;
/** How much broader an eraser is than a brush of the same size. */
const ERASER = 3;

export class Surface {
  private readonly canvases: Record<Layer, Canvas>;
  private shown: Record<Layer, readonly Stroke[]> = { line: [], mask: [] };
  private hand: Hand = { layer: "line", tool: "brush", colour: "#000", size: 7 };
  private zoom = 1;

  constructor(
    private readonly host: HTMLElement,
    onDrawn: (drawn: Drawn) => void,
  ) {
    const canvasOf = (layer: Layer): Canvas => {
      const element = document.createElement("canvas");
      host.append(element);
      const canvas = new Canvas(element, {
        isDrawingMode: true,
        enablePointerEvents: true,
        selection: false,
        enableRetinaScaling: true,
        renderOnAddRemove: false,
        stopContextMenu: false,
      });
      canvas.freeDrawingBrush = new Ink(canvas, () => this.inkOf(layer), onDrawn);
      canvas.wrapperEl.style.position = "absolute";
      canvas.wrapperEl.style.inset = "0";
      if (layer === "mask") canvas.wrapperEl.style.opacity = "0.5";
      // The system cancels the pointer for a palm or a gesture. The stroke so far is kept.
      canvas.upperCanvasEl.addEventListener("pointercancel", (event) => {
        document.dispatchEvent(new PointerEvent("pointerup", event));
      });
      return canvas;
    };
    this.canvases = { line: canvasOf("line"), mask: canvasOf("mask") };
  }

  take(hand: Hand): void {
    this.hand = hand;
    for (const layer of LAYERS) {
      const canvas = this.canvases[layer];
      canvas.wrapperEl.style.pointerEvents = layer === hand.layer ? "auto" : "none";
      canvas.freeDrawingCursor = cursorOf(this.inkOf(layer), this.zoom);
    }
  }

  /** Width and height are CSS pixels. Fabric uses the pixels of the screen. */
  fit(width: number, height: number, drawing: Drawing): void {
    this.zoom = width / drawing.width;
    for (const layer of LAYERS) {
      const canvas = this.canvases[layer];
      canvas.setDimensions({ width, height });
      canvas.setZoom(this.zoom);
      canvas.renderAll();
    }
    this.take(this.hand);
  }

  /** Adds new strokes. After any other change the layer is drawn again. */
  show(drawing: Drawing): void {
    for (const layer of LAYERS) {
      const canvas = this.canvases[layer];
      const wanted = drawing.strokes.filter((stroke) => stroke.layer === layer);
      const before = this.shown[layer];
      const continues =
        before.length <= wanted.length &&
        before.every((stroke, index) => stroke.id === wanted[index]?.id);
      if (continues && before.length === wanted.length) continue;
      if (!continues) canvas.remove(...canvas.getObjects());
      canvas.add(...wanted.slice(continues ? before.length : 0).map(objectOf));
      this.shown[layer] = wanted;
      canvas.renderAll();
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(LAYERS.map((layer) => this.canvases[layer].dispose()));
    this.host.replaceChildren();
  }

  private inkOf(layer: Layer): Hand {
    const { tool, colour, size } = this.hand;
    return {
      layer,
      tool,
      colour: layer === "mask" ? MASK_COLOUR : colour,
      size: tool === "eraser" ? size * ERASER : size,
    };
  }
}

function objectOf(stroke: Stroke): Path {
  return new Path(pathOf(stroke), {
    fill: stroke.colour,
    globalCompositeOperation: stroke.erases ? "destination-out" : "source-over",
    selectable: false,
    evented: false,
    // An eraser must see the strokes below, which a cached picture of one stroke does not contain.
    objectCaching: false,
  });
}

function cursorOf({ size: brush, tool }: Hand, zoom: number): string {
  const side = Math.max(6, Math.min(120, brush * zoom));
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

/** A brush that records the pressure of a pen. */
class Ink extends BaseBrush {
  private points: Point[] = [];
  private pressure = false;
  private ink: Hand;

  constructor(
    canvas: Canvas,
    private readonly current: () => Hand,
    private readonly drawn: (drawn: Drawn) => void,
  ) {
    super(canvas);
    this.ink = current();
  }

  override onMouseDown(place: Place, { e }: { e: TPointerEvent }): void {
    if (!this.canvas._isMainEvent(e)) return;
    this.ink = this.current();
    this.pressure = e instanceof PointerEvent && e.pointerType === "pen";
    this.points = [[place.x, place.y, forceOf(e)]];
    this._render();
  }

  override onMouseMove(_place: Place, { e }: { e: TPointerEvent }): void {
    if (!this.canvas._isMainEvent(e) || this.points.length === 0) return;
    this.extend(e);
    this._render();
  }

  override onMouseUp({ e }: { e: TPointerEvent }): boolean {
    if (!this.canvas._isMainEvent(e)) return true;
    const { points, pressure, ink } = this;
    this.points = [];
    if (points.length > 0) {
      const { layer, colour, size, tool } = ink;
      this.drawn({ points, pressure, layer, colour, size, erases: tool === "eraser" });
    }
    this.canvas.clearContext(this.canvas.contextTop);
    return false;
  }

  override _render(): void {
    const context = this.canvas.contextTop;
    this.canvas.clearContext(context);
    this._saveAndTransform(context);
    context.fillStyle = this.ink.tool === "eraser" ? "rgb(160 160 160 / 0.45)" : this.ink.colour;
    context.fill(
      new Path2D(pathOf({ points: this.points, size: this.ink.size, pressure: this.pressure })),
    );
    context.restore();
  }

  /** Pens report more moves than events: the moves in between are read as well. */
  private extend(event: TPointerEvent): void {
    const parts = event instanceof PointerEvent ? event.getCoalescedEvents() : [];
    for (const part of parts.length > 0 ? parts : [event]) {
      const { x, y } = this.canvas.getScenePoint(part);
      const point: Point = [x, y, forceOf(part)];
      if (isDistinct(this.points, point)) this.points.push(point);
    }
  }
}

function forceOf(event: TPointerEvent): number {
  return event instanceof PointerEvent && event.pointerType === "pen" && event.pressure > 0
    ? event.pressure
    : 0.5;
}
