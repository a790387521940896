import { beforeEach, describe, expect, it, test } from "vitest";

import { INITIAL, searchFields } from "@/find/fields";
import { idsWithin, keepWithin, knownWithin } from "@/find/within";

import { dotOf, mixed, paintDot, radiusOf } from "./dots";
import {
  inside,
  LARGEST_ZOOM,
  moved,
  toMap,
  toScreen,
  WHOLE,
  windowOf,
  zoomedAt,
} from "./frame";
import { gridOf, nearest } from "./grid";
import { countGroups, groupsOn, mapOf, NO_GROUP } from "./places";
import { cornersOf, indicesIn, indicesInside, isInside } from "./region";
import { withoutOverlap } from "./spots";

const FRAME = { width: 800, height: 400 };
const SQUARE = [
  { x: 0.2, y: 0.2 },
  { x: 0.8, y: 0.2 },
  { x: 0.8, y: 0.8 },
  { x: 0.2, y: 0.8 },
];

function placesOf(...places: [number, number][]) {
  return {
    x: Float32Array.from(places, ([x]) => x),
    y: Float32Array.from(places, ([, y]) => y),
  };
}

/** Colours as the pixels of a raster have them. */
const [BLACK, WHITE] = [0xff000000 | 0, 0xffffffff | 0];

/** The same numbers each time, 0..1. */
function numbers(count: number): Float32Array {
  let seed = 7;
  return Float32Array.from({ length: count }, () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  });
}

describe("the frame", () => {
  it("shows the whole map in its middle", () => {
    expect(toScreen({ x: 0.5, y: 0.5 }, WHOLE, FRAME)).toEqual({ x: 400, y: 200 });
    const { left, top, right, bottom } = windowOf(WHOLE, FRAME);
    expect(Math.max(left, top)).toBeLessThan(0);
    expect(Math.min(right, bottom)).toBeGreaterThan(1);
  });

  it("leads from the map to the screen and back", () => {
    const view = { zoom: 7, x: 0.3, y: 0.6 };
    const { x, y } = toMap(toScreen({ x: 0.12, y: 0.9 }, view, FRAME), view, FRAME);
    expect(x).toBeCloseTo(0.12);
    expect(y).toBeCloseTo(0.9);
  });

  it("zooms at a place, which stays where it is", () => {
    const place = { x: 0.7, y: 0.25 };
    const before = toScreen(place, WHOLE, FRAME);
    const after = toScreen(place, zoomedAt(WHOLE, 5, place), FRAME);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
    expect(zoomedAt(WHOLE, 1e6, place).zoom).toBe(LARGEST_ZOOM);
    expect(zoomedAt(WHOLE, 0.1, place).zoom).toBe(1);
  });

  it("follows a finger, and keeps a part of the map in its middle", () => {
    const view = { zoom: 4, x: 0.5, y: 0.5 };
    const { x, y } = toScreen({ x: 0.5, y: 0.5 }, moved(view, 30, -20, FRAME), FRAME);
    expect([x, y].map(Math.round)).toEqual([430, 180]);
    expect(inside({ zoom: 2, x: -3, y: 9 })).toEqual({ zoom: 2, x: 0, y: 1 });
  });
});

describe("the nearest picture", () => {
  it("is found near a place only", () => {
    const grid = gridOf(placesOf([0.1, 0.1], [0.12, 0.1], [1, 1], [0, 0.5]));
    expect(nearest(grid, { x: 0.115, y: 0.1 }, 0.05)).toBe(1);
    expect(nearest(grid, { x: 0.5, y: 0.5 }, 0.05)).toBeNull();
    expect(nearest(grid, { x: 1.01, y: 1.01 }, 0.05)).toBe(2);
    expect(nearest(grid, { x: -0.01, y: 0.5 }, 0.05)).toBe(3);
    expect(nearest(gridOf(placesOf()), { x: 0.5, y: 0.5 }, 1)).toBeNull();
  });

  it("is the same as by comparing all", () => {
    const places = { x: numbers(4000).slice(0, 2000), y: numbers(4000).slice(2000) };
    const grid = gridOf(places);
    for (let step = 0; step < 50; step += 1) {
      const at = { x: (step * 0.37) % 1, y: (step * 0.61) % 1 };
      const far = Array.from(places.x, (x, index) =>
        Math.hypot(x - at.x, (places.y[index] ?? 0) - at.y),
      );
      expect(nearest(grid, at, 0.5)).toBe(far.indexOf(Math.min(...far)));
    }
  });
});

describe("a lasso", () => {
  it("chooses what is inside of its line", () => {
    const places = placesOf([0.5, 0.5], [0.1, 0.5], [0.79, 0.79], [0.5, 0.9]);
    expect(indicesInside(places, SQUARE)).toEqual([0, 2]);
    expect(indicesInside(places, SQUARE.slice(0, 2))).toEqual([]);
  });

  it("may have a bay", () => {
    const bay = [...SQUARE, { x: 0.6, y: 0.5 }];
    expect(isInside(0.25, 0.5, bay)).toBe(false);
    expect(isInside(0.7, 0.5, bay)).toBe(true);
    expect(isInside(0.5, 0.5, [])).toBe(false);
  });

  it("has an alternative: all that is in view", () => {
    const places = placesOf([0.5, 0.5], [0.1, 0.5]);
    expect(indicesIn(places, windowOf(WHOLE, FRAME))).toEqual([0, 1]);
    expect(indicesIn(places, windowOf({ zoom: 8, x: 0.5, y: 0.5 }, FRAME))).toEqual([0]);
  });
});

describe("the map's answer", () => {
  const json = JSON.stringify({
    space: "image",
    made: 1_790_000_000,
    count: 3,
    unplaced: 12,
    ids: [1, "a-b", "LARGE"],
    x: [0, 0.5, 1],
    y: [1, 0.5, 0],
    groups: ["ink", 'style "ids":[7]'],
    group: [1, null, 1],
  }).replace('"LARGE"', "18446744073709551615");

  it("keeps ids exactly, and pictures without a group", () => {
    const map = mapOf(json);
    expect(map.ids).toEqual(["1", "a-b", "18446744073709551615"]);
    expect([...map.group]).toEqual([1, NO_GROUP, 1]);
    expect([...map.x]).toEqual([0, 0.5, 1]);
    expect(groupsOn(map)).toBe(1);
    expect(countGroups(map, [0, 1, 2])).toEqual([
      { group: 1, count: 2 },
      { group: NO_GROUP, count: 1 },
    ]);
  });

  it("may be empty", () => {
    const none = { made: 0, unplaced: 0, ids: [], x: [], y: [], groups: [], group: [] };
    expect(mapOf(JSON.stringify(none)).ids).toEqual([]);
  });
});

describe("dots", () => {
  it("cover whole pixels in their middle, and others in part", () => {
    const [width, pixels] = [9, new Int32Array(81).fill(BLACK)];
    paintDot(pixels, dotOf(2, width), 4 * width + 4, WHITE);
    const at = (x: number, y: number) => (pixels[y * width + x] ?? 0) & 255;
    expect([at(4, 4), at(3, 4), at(4, 5)]).toEqual([255, 255, 255]);
    expect([at(0, 0), at(4, 1), at(8, 4)]).toEqual([0, 0, 0]);
    expect(at(5, 6)).toBe(at(3, 2));
    expect(at(6, 5)).toBeGreaterThan(0);
    expect(at(6, 5)).toBeLessThan(255);
  });

  it("mix with what is below them", () => {
    expect(mixed(BLACK, WHITE, 0)).toBe(BLACK);
    expect(mixed(BLACK, WHITE, 256)).toBe(WHITE);
    expect(mixed(BLACK, 0xff0080ff | 0, 128)).toBe(0xff00407f | 0);
    for (const cover of [1, 77, 128, 255]) {
      expect(mixed(WHITE, BLACK, cover) & 255).toBe((255 - (255 * cover) / 256) | 0);
    }
  });

  it("are smaller where they are many, and grow with the zoom", () => {
    expect(radiusOf(100_000, 1)).toBeLessThan(radiusOf(900, 1));
    expect(radiusOf(900, 8)).toBeGreaterThan(radiusOf(900, 1));
    expect(radiusOf(1, 256)).toBeLessThanOrEqual(7);
  });
});

test("thumbnails do not cover each other", () => {
  const spots = [
    { index: 0, x: 0, y: 0 },
    { index: 1, x: 20, y: 20 },
    { index: 2, x: 60, y: 0 },
  ];
  expect(withoutOverlap(spots, 50).map(({ index }) => index)).toEqual([0, 2]);
});

describe("a search in a part of the map", () => {
  beforeEach(() => sessionStorage.clear());

  const LINE = cornersOf([
    { x: 0.1, y: 0.2 },
    { x: 0.123456789, y: 0.9 },
    { x: 1 / 3, y: 0 },
  ]);
  const keep = (ids: string[]) => keepWithin(ids, { space: "image", made: 1_790, line: LINE });

  it("sends the corners of the line, and its map", () => {
    const within = keep(["18446744073709551615", "a-b"]);
    expect(within.made).toBe(1_790);
    const fields = searchFields({ ...INITIAL, within }, "me", null);
    expect(fields.map_area).toBe("0.1,0.2 0.12346,0.9 0.33333,0");
    expect(fields.map_space).toBe("image");
    expect(fields.map_made).toBe("1790");
    expect(searchFields(INITIAL, "me", null).map_area).toBeUndefined();
  });

  it("has at most 500 corners", () => {
    const line = Array.from({ length: 1_234 }, (_, index) => ({ x: index / 1_234, y: 0.5 }));
    expect(cornersOf(line).length).toBeLessThanOrEqual(500);
    expect(cornersOf(line).at(-1)?.x).toBeGreaterThan(0.99);
  });

  it("is of the tab that has its ids", () => {
    const earlier = keep(["1"]);
    const within = keep(["2"]);
    expect(idsWithin(within)).toEqual(["2"]);
    expect(knownWithin({ ...within })).toEqual(within);
    expect(knownWithin(earlier)).toBeNull();
    // An earlier version did not remember the map that the line was drawn on.
    expect(knownWithin({ ...within, made: undefined })).toBeNull();
    expect(knownWithin("nonsense")).toBeNull();
  });
});
