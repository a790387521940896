/** Paints the map: all dots into one picture, then what is on top of them. */

import { paletteOf, type Palette } from "./colours";
import { BORDER, dotOf, paintDot, radiusOf, type Raster } from "./dots";
import { scaleOf, toScreen, type Place, type Size, type View } from "./frame";
import { NO_GROUP, type GalleryMap, type Indices } from "./places";
import { withoutOverlap, type Spot } from "./spots";
import { Thumbnails } from "./thumbnails";

/** What is painted. */
export interface Scene {
  view: View;
  frame: Size;
  highlighted: number | null;
  chosen: Indices;
  lasso: readonly Place[];
  /** The picture with a ring around it. */
  pointed: number | null;
}

/** More pixels of a screen are not worth their time. */
const MOST_PIXELS = 4_000_000;
/** Thumbnails are shown while at most this many pictures are in view. */
const MOST_THUMBNAILS = 160;
const THUMBNAIL = 52;

export class Painter {
  private readonly context: CanvasRenderingContext2D;
  private readonly thumbnails: Thumbnails;
  private palette: Palette | null = null;
  private image = new ImageData(1, 1);
  /** The scene whose dots the image has, and those that are not covered. */
  private painted: { scene: Scene; image: ImageData; shown: number[] } | null = null;
  private ratio = 1;

  /** `order` has all pictures, neighbours one after the other: that is faster to paint. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly map: GalleryMap,
    private readonly order: Uint32Array,
    private readonly dark: boolean,
    onThumbnail: () => void,
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("The browser cannot draw.");
    this.context = context;
    this.thumbnails = new Thumbnails(onThumbnail);
  }

  /** A coarse picture has one pixel for each of the page, whatever the screen has. */
  paint(scene: Scene, coarse: boolean): void {
    const { width, height } = scene.frame;
    if (width < 1 || height < 1) return;
    this.fit(scene.frame, coarse);
    // Not earlier: the page sets its theme after its parts are there.
    this.palette ??= paletteOf(this.canvas, this.map.groups.length, this.dark);
    const { image, context, palette } = this;
    if (this.painted?.image !== image || !hasSameDots(this.painted.scene, scene)) {
      const raster: Raster = { pixels: new Int32Array(image.data.buffer), width: image.width };
      raster.pixels.fill(palette.background);
      this.painted = { scene, image, shown: this.paintDots(raster, scene, palette) };
    }
    const { shown } = this.painted;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.putImageData(image, -BORDER, -BORDER);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.paintThumbnails(shown, scene, palette);
    paintLine(context, scene, palette.ink);
    this.paintRing(scene, palette.ink);
  }

  /** Gives the canvas the pixels of its frame. */
  private fit({ width, height }: Size, coarse: boolean): void {
    const most = Math.sqrt(MOST_PIXELS / (width * height));
    this.ratio = coarse ? 1 : Math.min(window.devicePixelRatio, 2, Math.max(1, most));
    const [wide, high] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    if (this.canvas.width === wide && this.canvas.height === high && this.image.width > 1) return;
    this.canvas.width = wide;
    this.canvas.height = high;
    this.image = new ImageData(wide + 2 * BORDER, high + 2 * BORDER);
  }

  /** Those that are not meant first, so that they cover none of the others. Returns the others. */
  private paintDots(raster: Raster, scene: Scene, { groups, dim }: Palette): number[] {
    const { map, ratio, canvas } = this;
    const { view, frame, highlighted, chosen } = scene;
    const dot = dotOf(radiusOf(map.ids.length, view.zoom) * ratio, raster.width);
    const scale = scaleOf(view, frame) * ratio;
    const left = canvas.width / 2 - view.x * scale;
    const top = canvas.height / 2 - view.y * scale;
    const isChosen = chosen.length > 0 ? markOf(chosen, map.ids.length) : null;
    const paint = (index: number, x: number, y: number, colours: Int32Array) => {
      const group = map.group[index] as number;
      const colour = colours[group === NO_GROUP ? colours.length - 1 : group] as number;
      const middle = (Math.round(y) + BORDER) * raster.width + Math.round(x) + BORDER;
      paintDot(raster.pixels, dot, middle, colour);
    };
    const meant: number[] = [];
    const paintIf = (others: boolean) => {
      for (const index of this.order) {
        const x = (map.x[index] as number) * scale + left;
        const y = (map.y[index] as number) * scale + top;
        if (x < 0 || y < 0 || x > canvas.width - 1 || y > canvas.height - 1) continue;
        const isOther =
          (isChosen !== null && isChosen[index] === 0) ||
          (highlighted !== null && map.group[index] !== highlighted);
        if (isOther !== others) continue;
        paint(index, x, y, others ? dim : groups);
        if (!others) meant.push(index);
      }
    };
    if (isChosen !== null || highlighted !== null) paintIf(true);
    paintIf(false);
    return meant;
  }

  private paintThumbnails(shown: readonly number[], scene: Scene, { groups }: Palette): void {
    const { map, context, thumbnails } = this;
    if (shown.length > MOST_THUMBNAILS) {
      thumbnails.want([]);
      return;
    }
    const spots = withoutOverlap(
      shown.map((index) => ({ index, ...this.placeOf(index, scene) })),
      THUMBNAIL + 4,
    );
    thumbnails.want(spots.map(({ index }) => map.ids[index] ?? ""));
    for (const spot of spots) {
      const image = thumbnails.of(map.ids[spot.index] ?? "");
      const group = map.group[spot.index] as number;
      const colour = groups[group === NO_GROUP ? groups.length - 1 : group] ?? 0;
      if (image !== null) paintThumbnail(context, image, spot, colour);
    }
  }

  private paintRing(scene: Scene, ink: string): void {
    if (scene.pointed === null) return;
    const { x, y } = this.placeOf(scene.pointed, scene);
    const radius = radiusOf(this.map.ids.length, scene.view.zoom) + 3;
    this.context.strokeStyle = ink;
    this.context.lineWidth = 2;
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 2 * Math.PI);
    this.context.stroke();
  }

  private placeOf(index: number, { view, frame }: Scene): Place {
    const { x, y } = this.map;
    return toScreen({ x: x[index] as number, y: y[index] as number }, view, frame);
  }
}

/** Whether two scenes differ only in what is on top of the dots. */
function hasSameDots(one: Scene, other: Scene): boolean {
  const keys = ["view", "frame", "highlighted", "chosen"] as const;
  return keys.every((key) => one[key] === other[key]);
}

/** For each picture whether it is one of these. */
function markOf(some: Indices, count: number): Uint8Array {
  const marks = new Uint8Array(count);
  for (const index of some) marks[index] = 1;
  return marks;
}

/** The middle of a picture as a square, with a border in the colour of its group. */
function paintThumbnail(
  context: CanvasRenderingContext2D,
  image: HTMLImageElement,
  { x, y }: Spot,
  colour: number,
): void {
  const side = Math.min(image.naturalWidth, image.naturalHeight);
  const [cutX, cutY] = [(image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2];
  const [left, top] = [Math.round(x - THUMBNAIL / 2), Math.round(y - THUMBNAIL / 2)];
  const [red, green, blue] = [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  context.fillStyle = `rgb(${red} ${green} ${blue})`;
  context.fillRect(left - 2, top - 2, THUMBNAIL + 4, THUMBNAIL + 4);
  context.drawImage(image, cutX, cutY, side, side, left, top, THUMBNAIL, THUMBNAIL);
}

/** The line of the lasso, closed. */
function paintLine(
  context: CanvasRenderingContext2D,
  { lasso, view, frame }: Scene,
  ink: string,
): void {
  if (lasso.length < 2) return;
  context.beginPath();
  for (const place of lasso) {
    const { x, y } = toScreen(place, view, frame);
    context.lineTo(x, y);
  }
  context.closePath();
  context.strokeStyle = ink;
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.stroke();
  context.setLineDash([]);
}
