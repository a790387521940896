import { describe, expect, it } from "vitest";

import { grouped, inOneLine, mayBePicture } from "./uploads";

const MEGABYTE = 2 ** 20;
const sizes = (groups: { size: number }[][]) =>
  groups.map((group) => group.map(({ size }) => size / MEGABYTE));
const files = (...megabytes: number[]) => megabytes.map((size) => ({ size: size * MEGABYTE }));

describe("grouped", () => {
  it("fills requests up to their size", () => {
    expect(sizes(grouped(files(20, 20, 20, 5)))).toEqual([
      [20, 20],
      [20, 5],
    ]);
  });

  it("sends a file that is too large alone", () => {
    expect(sizes(grouped(files(1, 90, 1)))).toEqual([[1], [90], [1]]);
  });

  it("limits the number of files", () => {
    const groups = grouped(Array.from({ length: 250 }, () => ({ size: 1 })));
    expect(groups.map((group) => group.length)).toEqual([100, 100, 50]);
  });

  it("sends nothing without files", () => {
    expect(grouped([])).toEqual([]);
  });
});

it("sends names without line breaks and quotes, which a form would write as codes", () => {
  expect(inOneLine("cat\r\nand \"dog\".png")).toBe("cat and 'dog'.png");
  expect(inOneLine("שלום 😀 %20 #1.png")).toBe("שלום 😀 %20 #1.png");
});

it("asks the server about pictures and about files without a known type", () => {
  const types = ["image/png", "", "text/plain", "video/mp4"];
  expect(types.map((type) => mayBePicture({ type }))).toEqual([true, true, false, false]);
});
