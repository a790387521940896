// The styles that the gallery is made of: shelves on the start page, filters, names.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, keep, open, searches, settled } from "./harness.mjs";

/** Checks that all pictures of the first shelves are loaded. */
async function waitForCovers(page) {
  await page.waitForFunction(() => {
    const seen = [...document.querySelectorAll('[aria-label="Shelves"] img')].filter((image) => image.getBoundingClientRect().top < window.innerHeight);
    return seen.length >= 4 && seen.every((image) => image.naturalWidth > 0);
  });
}

test("the start page has a shelf for each style, which filters, alone and with words; a style is renamed", async () => {
  const { styles, found } = await call("/api/styles");
  assert.ok(found && styles.length >= 3, `the demo found its styles by itself: ${JSON.stringify(styles)}`);
  const { page, faults, close } = await open("/");
  const answers = searches(page);
  const shelves = page.getByRole("region", { name: "Shelves" });
  await shelves.waitFor();
  assert.equal(await shelves.locator("section").count(), styles.length);
  await waitForCovers(page);
  await keep(page, "shelves-light");

  // A click on the name shows the pictures of the style alone.
  const { id, name, count } = styles[0];
  const members = async (ids) => {
    const { pictures } = await call(`/api/pictures?ids=${ids.join(",")}`);
    return pictures.filter((picture) => picture.style_group === id).length;
  };
  await shelves.getByRole("button", { name, exact: true }).click();
  const grid = page.getByRole("list", { name: "Pictures of the gallery" });
  await grid.locator("img").first().waitFor();
  const shown = await grid.locator("li[aria-setsize]").first().getAttribute("aria-setsize");
  assert.equal(Number(shown), count);
  const sources = await grid.locator("img").evaluateAll((images) => images.map((image) => image.src));
  const inView = sources.map((source) => source.match(/image\/([^?/]+)/)[1]);
  assert.equal(await members(inView), inView.length);
  await page.getByLabel("Words", { exact: true }).fill("apple");
  await page.waitForFunction(() => /Searching/.test(document.querySelector("#search-status")?.textContent ?? ""));
  const apples = await settled(page, answers);
  assert.equal(apples.results[0].payload.subject, "apple");
  assert.equal(await members(apples.results.map((hit) => hit.id)), apples.results.length);
  // Beside styles that tags name, the chosen style has a chip with its count.
  await page.getByRole("button", { name: `Remove the style ${name}` }).click();
  await page.waitForFunction(() => /Searching/.test(document.querySelector("#search-status")?.textContent ?? ""));
  const all = await settled(page, answers);
  assert.ok((await members(all.results.map((hit) => hit.id))) < all.results.length);
  await page.getByRole("button", { name: "Clear the words" }).click();

  // Typical pictures of a style fill the style slot.
  await shelves.getByRole("button", { name: `More like the style ${name}` }).click();
  await settled(page, answers);
  const slot = page.getByRole("group", { name: "In the style of" });
  const examples = slot.getByRole("button", { name: /from the styles$/ });
  await examples.first().waitFor();
  while ((await examples.count()) > 0) await examples.first().click();

  // The owner renames a style. The page shows the name at once, and after a reload.
  await shelves.getByRole("button", { name: `Rename the style ${name}` }).click();
  await page.getByLabel("Name of the style").fill("my favourite");
  await page.getByRole("button", { name: "Rename", exact: true }).click();
  await shelves.getByRole("button", { name: "my favourite", exact: true }).waitFor();
  await page.reload();
  await shelves.getByRole("button", { name: "my favourite", exact: true }).waitFor();
  const renamed = (await call("/api/styles")).styles.find((style) => style.id === id);
  assert.deepEqual([renamed.name, renamed.named], ["my favourite", true]);
  await call(`/api/styles/${id}`, { method: "PATCH", body: { name } });
  assert.deepEqual(faults, []);
  await close();
});

test("shelves fit a phone, in the dark", async () => {
  const { page, faults, close } = await open("/", { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true });
  await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: "Find" }).tap();
  const shelves = page.getByRole("region", { name: "Shelves" });
  await shelves.waitFor();
  await waitForCovers(page);
  await keep(page, "shelves-phone-dark");
  const { right, screen } = await shelves.evaluate((view) => ({ right: view.getBoundingClientRect().right, screen: window.innerWidth }));
  assert.ok(right <= screen, `${right} of ${screen}`);
  assert.deepEqual(faults, []);
  await close();
});
