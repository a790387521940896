/** What a hand draws at the moment, from pressing down to lifting up. */

import { BaseBrush, type Canvas, type Point as Place, type TPointerEvent } from "fabric/es";

import type { Point } from "./drawing";
import { formOf, paintForm, regularEnd, type TwoEnded } from "./form";
import { isDistinct } from "./outline";
import type { Tool } from "./store";
import { makeStriped } from "./stripes";

/** The current tool. */
export interface Hand {
  tool: Tool;
  colour: string;
  size: number;
  /** Whether it draws on the mask. */
  masks: boolean;
}

export interface Gesture {
  hand: Hand;
  points: readonly Point[];
  /** Whether the points have the pressure of a pen. */
  pressure: boolean;
  /** Whether it began on what is selected, with the lasso. */
  drags: boolean;
}

interface Uses {
  hand: () => Hand;
  /** Whether a place is on what is selected. */
  isSelected: (place: Point) => boolean;
  /** The selection is being dragged so far. */
  dragged: (right: number, down: number) => void;
  done: (gesture: Gesture) => void;
}

const ENDED: ReadonlySet<Tool> = new Set<Tool>(["line", "rectangle", "ellipse"]);
const isEnded = (tool: Tool): tool is TwoEnded => ENDED.has(tool);

/** The way from the first point to the last one. */
export function wayOf(points: readonly Point[]): [right: number, down: number] {
  const [from, to] = [points[0], points.at(-1)];
  return from === undefined || to === undefined ? [0, 0] : [to[0] - from[0], to[1] - from[1]];
}

export class Ink extends BaseBrush {
  private points: Point[] = [];
  private pressure = false;
  private drags = false;
  private held: Hand;

  constructor(
    canvas: Canvas,
    private readonly uses: Uses,
  ) {
    super(canvas);
    this.held = uses.hand();
  }

  override onMouseDown(place: Place, { e }: { e: TPointerEvent }): void {
    if (!this.canvas._isMainEvent(e)) return;
    this.held = this.uses.hand();
    this.pressure = e instanceof PointerEvent && e.pointerType === "pen";
    const point: Point = [place.x, place.y, forceOf(e)];
    this.points = [point];
    this.drags = this.held.tool === "lasso" && this.uses.isSelected(point);
    this._render();
  }

  override onMouseMove(_place: Place, { e }: { e: TPointerEvent }): void {
    if (!this.canvas._isMainEvent(e) || this.points.length === 0) return;
    this.extend(e);
    if (this.drags) this.uses.dragged(...wayOf(this.points));
    this._render();
  }

  override onMouseUp({ e }: { e: TPointerEvent }): boolean {
    if (!this.canvas._isMainEvent(e)) return true;
    const { points, pressure, held: hand, drags } = this;
    this.points = [];
    if (points.length > 0) this.uses.done({ hand, points, pressure, drags });
    this.canvas.clearContext(this.canvas.contextTop);
    return false;
  }

  /** Forgets the gesture: it became one of two fingers. */
  abandon(): void {
    if (this.drags) this.uses.dragged(0, 0);
    this.points = [];
    this.canvas.clearContext(this.canvas.contextTop);
  }

  override _render(): void {
    const context = this.canvas.contextTop;
    const { tool, colour, size, masks } = this.held;
    this.canvas.clearContext(context);
    if (this.drags || tool === "fill" || this.points.length === 0) return;
    this._saveAndTransform(context);
    if (tool === "lasso") this.drawLasso(context);
    else {
      const { points, pressure } = this;
      const shape = isEnded(tool) ? { shape: tool } : {};
      const paint = tool === "eraser" ? "rgb(160 160 160 / 0.45)" : colour;
      context.fillStyle = paint;
      context.strokeStyle = paint;
      paintForm(context, formOf({ points, size, pressure, ...shape }));
    }
    context.restore();
    if (masks && tool !== "eraser" && tool !== "lasso")
      makeStriped(context, this.canvas.getRetinaScaling());
  }

  /** A dark line with light gaps, to be seen on any ground. */
  private drawLasso(context: CanvasRenderingContext2D): void {
    const unit = 1 / this.canvas.getZoom();
    context.beginPath();
    this.points.forEach(([x, y]) => context.lineTo(x, y));
    context.closePath();
    context.lineWidth = 1.5 * unit;
    context.strokeStyle = "#fff";
    context.stroke();
    context.setLineDash([4 * unit, 4 * unit]);
    context.strokeStyle = "#000";
    context.stroke();
  }

  /** Pens report more moves than events: the moves in between are read as well. */
  private extend(event: TPointerEvent): void {
    const { tool } = this.held;
    if (tool === "fill") return;
    const [first] = this.points;
    if (first !== undefined && (isEnded(tool) || this.drags)) {
      const { x, y } = this.canvas.getScenePoint(event);
      const regular = isEnded(tool) && event.shiftKey;
      const end = regular ? regularEnd(tool, [first[0], first[1]], [x, y]) : [x, y];
      this.points = [first, [end[0] ?? x, end[1] ?? y, 0.5]];
      return;
    }
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
