// A folder that is dropped on the page: walked, without what is hidden, and added with tags.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { keep, open, ownFolder, pictureOf, searches, serve, settled } from "./harness.mjs";

/** Drops files and folders of this machine on an element, as a file manager does. */
async function dropPaths(page, locator, paths) {
  const { x, y, width, height } = await locator.boundingBox();
  const place = { x: x + width / 2, y: y + height / 2 };
  const protocol = await page.context().newCDPSession(page);
  const dragged = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) await protocol.send("Input.dispatchDragEvent", { type, ...place, data: dragged });
}

test("a folder is walked wherever it is dropped; hidden files and other files are left out", async () => {
  const { url: at } = await serve({});
  const { page, faults, close } = await open("/", { at });
  await page.locator("#paper").waitFor();
  const folder = join(ownFolder("dropped-"), "trip");
  mkdirSync(join(folder, "foxes/.hidden"), { recursive: true });
  writeFileSync(join(folder, "Zebrawood.png"), pictureOf("house", "vector_art"));
  writeFileSync(join(folder, "foxes/Tuppence.png"), pictureOf("cat", "vector_art"));
  writeFileSync(join(folder, "foxes/.DS_Store"), "x");
  writeFileSync(join(folder, "foxes/.secret.png"), pictureOf("fish", "vector_art"));
  writeFileSync(join(folder, "foxes/.hidden/deep.png"), pictureOf("moon", "vector_art"));
  writeFileSync(join(folder, "notes.txt"), "no picture");

  // On the pad, which takes single pictures: the page takes the folder, after a look at the tags.
  await dropPaths(page, page.locator("#paper"), [folder]);
  const dialog = page.getByRole("dialog", { name: "Add pictures" });
  await dialog.getByRole("button", { name: "Add 2 pictures" }).waitFor();
  await dialog.getByText("1 file of the folder left out: no pictures").waitFor();
  await dialog.getByLabel("Tags for all of them").fill("journey");
  await keep(page, "dropped-folder-light");
  await dialog.getByRole("button", { name: "Add 2 pictures" }).click();
  await dialog.getByText("Added. Searches find them now.").waitFor({ timeout: 240_000 });
  await dialog.getByText("2 pictures", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  const answers = searches(page);
  await page.getByLabel("Words", { exact: true }).fill("journey");
  const { results } = await settled(page, answers);
  assert.deepEqual(results.map((hit) => hit.path.split("/").at(-1)).sort(), ["Tuppence.png", "Zebrawood.png"]);
  assert.ok(results.every((hit) => hit.payload.tags_all.includes("journey")));

  // In the dialog it is added at once. A single picture on the pad still becomes the base.
  await page.getByRole("button", { name: "Add pictures" }).click();
  writeFileSync(join(folder, "foxes/Later.png"), pictureOf("apple", "line_art"));
  await dropPaths(page, dialog.getByRole("group", { name: "Drop pictures here" }), [join(folder, "foxes")]);
  await dialog.getByText("Added, except for 1 picture that the gallery has already.").waitFor({ timeout: 240_000 });
  await page.keyboard.press("Escape");
  await dropPaths(page, page.locator("#paper"), [join(folder, "Zebrawood.png")]);
  await page.getByRole("img", { name: /on a picture/ }).waitFor();
  assert.equal(await dialog.count(), 0);
  // Beside all that takes something, the page stays, and asks.
  await dropPaths(page, page.getByRole("banner"), [join(folder, "Zebrawood.png")]);
  await dialog.getByRole("button", { name: "Add 1 picture" }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});
