import { describe, expect, it } from "vitest";

import { bordersOf, flood, grown, type Area } from "./flood";
import { isInside } from "./lasso";

/** A white picture with black pixels where the text has a `#`. */
function picture(rows: readonly string[]) {
  const width = rows[0]?.length ?? 0;
  const data = new Uint8ClampedArray(width * rows.length * 4).fill(255);
  rows.forEach((row, y) =>
    [...row].forEach((sign, x) => {
      if (sign === "#") data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }),
  );
  return { width, height: rows.length, data } as ImageData;
}

function text({ width, pixels }: Area): string[] {
  const signs = [...pixels].map((pixel) => (pixel === 1 ? "o" : "."));
  return Array.from({ length: signs.length / width }, (_, y) =>
    signs.slice(y * width, (y + 1) * width).join(""),
  );
}

const RING = ["........", ".######.", ".#....#.", ".#....#.", ".######.", "........"];

describe("a flood", () => {
  it("stays inside of a closed line", () => {
    expect(text(flood(picture(RING), 3, 2))).toEqual([
      "........",
      "........",
      "..oooo..",
      "..oooo..",
      "........",
      "........",
    ]);
  });

  it("runs out through a gap, and does not pass a corner", () => {
    const open = RING.map((row, y) => (y === 1 ? ".###.##." : row));
    expect(text(flood(picture(open), 3, 2))[0]).toBe("oooooooo");
    expect(text(flood(picture([".#", "#."]), 0, 0))).toEqual(["o.", ".."]);
  });

  it("is empty beside the picture", () => {
    expect(text(flood(picture(RING), 3, -1)).join("")).not.toContain("o");
  });

  it("grows by one pixel, and not around the picture's edge", () => {
    expect(text(grown(flood(picture(["#.#.", "####", "...."]), 1, 0)))).toEqual([
      "ooo.",
      ".o..",
      "....",
    ]);
    expect(text(grown(flood(picture(["###.", "####"]), 3, 0)))).toEqual(["..oo", "...o"]);
  });
});

describe("the borders of an area", () => {
  it("enclose its pixels and leave out its holes", () => {
    const area = flood(picture(RING), 0, 0);
    const borders = bordersOf(area);
    expect(borders.length).toBe(2);
    area.pixels.forEach((pixel, index) => {
      const place = [(index % area.width) + 0.5, Math.floor(index / area.width) + 0.5] as const;
      const around = borders.filter((border) => isInside(place, border)).length;
      expect(around % 2 === 1).toBe(pixel === 1);
    });
  });

  it("run the other way round around holes, so that a canvas leaves them empty", () => {
    const turn = (border: readonly (readonly [number, number, number])[]) =>
      border.reduce((sum, [x, y], index) => {
        const [nextX, nextY] = border[(index + 1) % border.length] ?? [x, y];
        return sum + (x * nextY - nextX * y);
      }, 0);
    const turns = bordersOf(flood(picture(RING), 0, 0)).map(turn).map(Math.sign);
    expect(turns.sort()).toEqual([-1, 1]);
  });

  it("have few points for straight and slanted lines", () => {
    const rows = Array.from({ length: 60 }, (_, y) => ".".repeat(y + 1).padEnd(60, "#"));
    const [border, ...others] = bordersOf(flood(picture(rows), 0, 0));
    expect(others).toEqual([]);
    expect(border?.length).toBeLessThan(8);
  });
});
