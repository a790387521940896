// The drawing pad. Strokes are stored as points and not as pixels: they stay sharp on every screen
// and after a resize, and undo removes the last one.

const WIDTH = 900;
const HEIGHT = 600;

export class Pad {
  /** @param canvas where to draw; @param changed called after every finished change. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.changed = changed;
    this.strokes = [];
    this.current = null;
    this.pointer = null;
    this.brush = 7;
    this.erasing = false;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.end(event));
    canvas.addEventListener("pointercancel", (event) => this.end(event));
    new ResizeObserver(() => this.fit()).observe(canvas);
    // Moving the window to a screen with another pixel ratio causes no resize event.
    const watchRatio = () => {
      matchMedia(`(resolution: ${devicePixelRatio}dppx)`)
        .addEventListener("change", () => { this.fit(); watchRatio(); }, { once: true });
    };
    watchRatio();
    this.fit();
  }

  get empty() { return !this.strokes.some((stroke) => !stroke.erases); }

  /** As many canvas pixels as the screen has. */
  fit() {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.redraw();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    // A mouse always reports 0.5, a finger often 0: only a pen reports its pressure.
    const pressure = event.pointerType === "pen" && event.pressure > 0 ? 0.35 + 1.3 * event.pressure : 1;
    return {
      x: ((event.clientX - box.left) / box.width) * WIDTH,
      y: ((event.clientY - box.top) / box.height) * HEIGHT,
      pressure,
    };
  }

  begin(event) {
    if (this.pointer !== null || event.button > 0) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    // The eraser end of a pen is button 5, which browsers report as bit 32.
    const erases = this.erasing || (event.buttons & 32) !== 0;
    this.current = { size: erases ? this.brush * 3 : this.brush, erases, points: [this.point(event)] };
    this.strokes.push(this.current);
    this.redraw();
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const part of events.length > 0 ? events : [event]) {
      const points = this.current.points;
      const next = this.point(part);
      const last = points[points.length - 1];
      if (Math.hypot(next.x - last.x, next.y - last.y) < 0.8) continue;
      // Pens report pressure in steps; half of the old value rounds them.
      next.pressure = (next.pressure + last.pressure) / 2;
      points.push(next);
      this.prepare(this.context, this.canvas.width);
      segment(this.context, this.current, points.length - 1);
    }
  }

  end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.current = null;
    this.redraw();
    this.changed();
  }

  undo() {
    if (this.strokes.length === 0 || this.pointer !== null) return;
    this.strokes.pop();
    this.redraw();
    this.changed();
  }

  clear() {
    if (this.strokes.length === 0) return;
    this.strokes = [];
    this.pointer = null;
    this.current = null;
    this.redraw();
    this.changed();
  }

  prepare(context, width) {
    const scale = width / WIDTH;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.lineCap = "round";
    context.lineJoin = "round";
  }

  paint(context, width) {
    this.prepare(context, width);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, WIDTH, HEIGHT + 1);
    for (const stroke of this.strokes) {
      if (stroke.points.length === 1) dot(context, stroke);
      for (let index = 1; index < stroke.points.length; index += 1) segment(context, stroke, index);
    }
  }

  redraw() { this.paint(this.context, this.canvas.width); }

  /** The drawing as a PNG of 900 x 600 pixels, the same on every screen. */
  async blob() {
    const copy = document.createElement("canvas");
    copy.width = WIDTH;
    copy.height = HEIGHT;
    this.paint(copy.getContext("2d"), WIDTH);
    return new Promise((resolve, reject) => {
      copy.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the drawing could not be written"))), "image/png");
    });
  }
}

function colour(stroke) { return stroke.erases ? "#fff" : "#1d1a18"; }

function dot(context, stroke) {
  const [point] = stroke.points;
  context.fillStyle = colour(stroke);
  context.beginPath();
  context.arc(point.x, point.y, (stroke.size * point.pressure) / 2, 0, 2 * Math.PI);
  context.fill();
}

/** From the middle before a point to the middle after it, bent towards the point: corners come out round. */
function segment(context, stroke, index) {
  const points = stroke.points;
  const from = points[index - 1];
  const to = points[index];
  const before = index > 1 ? middle(points[index - 2], from) : from;
  const after = middle(from, to);
  context.strokeStyle = colour(stroke);
  context.lineWidth = (stroke.size * (from.pressure + to.pressure)) / 2;
  context.beginPath();
  context.moveTo(before.x, before.y);
  context.quadraticCurveTo(from.x, from.y, after.x, after.y);
  if (index === points.length - 1) context.lineTo(to.x, to.y);
  context.stroke();
}

function middle(left, right) { return { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 }; }
