// The plain page, which is served if the client was not built: draw with the mouse, and find it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { draw, DRAWINGS, keep, open, searches, until } from "./harness.mjs";

/** Draws, waits for the answer to the whole drawing, and returns the results. */
async function drawAndSearch(page, name) {
  const answers = searches(page);
  await draw(page, "#pad", DRAWINGS[name]);
  // The last stroke starts one more search, a moment after the pen was lifted.
  await page.waitForRequest((request) => request.url().includes("/api/search/hybrid"));
  await page.waitForFunction(() => {
    const results = document.querySelector("#results");
    return !results.hasAttribute("aria-busy") && results.querySelectorAll(".card").length > 0;
  });
  await until("the answer", () => answers.waiting === 0 && answers.length > 0);
  return answers.at(-1).results;
}

test("plain page: a drawn house is found in several styles", async () => {
  const { page, faults, close } = await open("/plain");
  const results = (await drawAndSearch(page, "house")).slice(0, 10);
  const styles = new Set(results.filter((hit) => hit.payload.subject === "house").map((hit) => hit.payload.style));
  await page.waitForFunction(() => [...document.querySelectorAll("#results .card img")].filter((image) => image.naturalWidth > 0).length >= 6);
  assert.ok(styles.size >= 3, `house in ${[...styles]}; found ${results.map((hit) => hit.payload.subject)}`);
  assert.deepEqual(faults, []);
  await close();
});

test("plain page: words, a style chip, more like this, and the phone", async () => {
  const { page, faults, close } = await open("/plain", { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  await page.fill("#words", "cat");
  await page.locator("#results .card").first().waitFor();
  await page.locator("#chips button", { hasText: "pixel art" }).first().click();
  await page.waitForFunction(() => {
    const cards = [...document.querySelectorAll("#results .card")];
    return cards.length > 0 && cards.every((card) => card.textContent.includes("pixel"));
  });
  await keep(page, "plain-phone");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  assert.ok(wide, "the page is not wider than the screen");
  await page.getByRole("button", { name: /like this/i }).first().click();
  await page.locator("#references .reference").first().waitFor();
  await page.locator("#results .card").first().waitFor();
  assert.deepEqual(faults, []);
  await close();
});
