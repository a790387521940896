import { describe, expect, it } from "vitest";

import { isHidden, MOST_DROPPED, walk } from "./dropped-files";

/** A folder of the browser's file system. Entries are listed in groups of two. */
function folder(name: string, ...inside: FileSystemEntry[]): FileSystemEntry {
  const createReader = () => {
    const rest = [...inside];
    return { readEntries: (done: (group: FileSystemEntry[]) => void) => done(rest.splice(0, 2)) };
  };
  const entry = { name, fullPath: `/${name}`, isFile: false, isDirectory: true, createReader };
  return entry as unknown as FileSystemEntry;
}

function file(name: string, type = "image/png"): FileSystemEntry {
  const read = (done: (file: File) => void) => done(new File(["x"], name, { type }));
  const entry = { name, fullPath: `/${name}`, isFile: true, isDirectory: false, file: read };
  return entry as unknown as FileSystemEntry;
}

const names = (files: readonly File[]) => files.map(({ name }) => name);

describe("a dropped folder", () => {
  it("is walked in the order of its names, without what is hidden", async () => {
    const dropped = folder(
      "trip",
      file("10.png"),
      file("2.png"),
      folder("foxes", file("fox.webp", "image/webp"), file(".fox.png")),
      folder(".git", file("a.png")),
      file("Thumbs.db", ""),
      file("notes.txt", "text/plain"),
    );
    const { files, others, more, unreadable } = await walk([dropped]);
    expect(names(files)).toEqual(["2.png", "10.png", "fox.webp"]);
    expect([others, more, unreadable]).toEqual([1, false, []]);
  });

  it("is read up to a limit", async () => {
    const many = Array.from({ length: MOST_DROPPED + 5 }, (_, index) => file(`${index}.png`));
    const { files, more } = await walk([folder("many", ...many)]);
    expect([files.length, more]).toEqual([MOST_DROPPED, true]);
  });

  it("names what cannot be read, and goes on", async () => {
    const broken = {
      ...file("broken.png"),
      file: (_: unknown, fail: (error: Error) => void) => fail(new Error("gone")),
    } as unknown as FileSystemEntry;
    const { files, unreadable } = await walk([folder("f", broken, file("whole.png"))]);
    expect([names(files), unreadable]).toEqual([["whole.png"], ["broken.png"]]);
  });
});

it("files that are dropped themselves are taken, whatever they are", async () => {
  const { files } = await walk([new File(["x"], ".hidden.png"), file("notes.txt", "text/plain")]);
  expect(names(files)).toEqual([".hidden.png", "notes.txt"]);
});

it("hidden names", () => {
  const all = [".DS_Store", "Thumbs.db", "__MACOSX", "fox.png"];
  expect(all.map(isHidden)).toEqual([true, true, true, false]);
});
