// The page while the demo's gallery is being drawn and embedded. This test runs first: the others
// need the whole gallery.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, draw, DRAWINGS, keep, open, until } from "./harness.mjs";

test("while the gallery is filled, the page works, shows the progress, and shows new pictures", async () => {
  const { page, faults, close } = await open("/");
  if ((await call("/api/preparing")).preparing !== null) {
    const banner = page.getByRole("region", { name: "Preparation" });
    await banner.getByRole("progressbar").waitFor();
    await draw(page, "#paper", DRAWINGS.apple);
    await page.getByRole("img", { name: /Sketch pad with 3 strokes/ }).waitFor();
    await keep(page, "preparing-light");
    // Results appear by themselves before the gallery is complete.
    await page.locator("#results > li").first().waitFor({ timeout: 400_000 });
    await banner.waitFor({ state: "detached", timeout: 400_000 });
  }
  await until("the gallery", async () => (await call("/api/preparing")).preparing === null);
  assert.deepEqual(faults, []);
  await close();
});
