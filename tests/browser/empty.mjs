// A new server without pictures: the page says how to add some, and a path without a page leads back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { keep, open, serve } from "./harness.mjs";

test("an empty gallery says how to add pictures, and a path without a page leads to the studio", async () => {
  const { url: at } = await serve({});
  const { page, faults, close } = await open("/", { at });
  const find = page.getByRole("region", { name: "Find references" });
  await find.getByText("Is the gallery still empty?").waitFor();
  await page.getByLabel("Words", { exact: true }).fill("apple");
  await find.getByText("The gallery is empty").waitFor();
  await find.getByText("clippy add FOLDER").waitFor();
  await keep(page, "empty-light");
  await find.getByRole("link", { name: "Admin" }).click();
  await page.getByRole("form", { name: "Add a folder" }).waitFor();
  assert.deepEqual(faults, []);

  await page.goto(`${at}/gallery`);
  await page.getByRole("heading", { name: "There is no page here" }).waitFor();
  await page.getByRole("link", { name: "Go to the studio" }).click();
  await page.getByLabel("Words", { exact: true }).waitFor();
  await close();
});
