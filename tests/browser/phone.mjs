// A phone: held across, the admin's page, and pictures that became ready.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, checkAccessible, draw, DRAWINGS, keep, open, searches, settled, until } from "./harness.mjs";

const ACROSS = { viewport: { width: 844, height: 390 }, hasTouch: true, isMobile: true };
const UPRIGHT = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" };

test("held across, a phone shows the results beside the drawing", async () => {
  const { page, faults, close } = await open("/", ACROSS);
  await page.locator("#paper").waitFor();
  const answers = searches(page);
  await draw(page, "#paper", DRAWINGS.apple);
  await settled(page, answers);
  const paper = await page.locator("#paper").boundingBox();
  const result = await page.locator("#results > li").first().boundingBox();
  assert.ok(paper.width >= 170 && paper.height >= 170, JSON.stringify(paper));
  assert.ok(result.x > paper.x + paper.width, "beside the paper");
  const nav = await page.getByRole("navigation", { name: "Panels" }).boundingBox();
  assert.ok(result.y + 90 < nav.y, `the first result is at ${result.y}, and the panels' buttons at ${nav.y}`);
  await keep(page, "phone-across-light");
  await checkAccessible(page, "a phone held across");
  await page.emulateMedia({ colorScheme: "dark" });
  await keep(page, "phone-across-dark");
  // Filters and weights are one tap away.
  assert.ok(!(await page.getByRole("radio", { name: "Shape" }).isVisible()));
  await page.getByRole("button", { name: "Filters and weights" }).tap();
  await page.getByRole("radio", { name: "Shape" }).tap();
  await settled(page, answers);
  await keep(page, "phone-across-filters-dark");
  const panels = page.getByRole("navigation", { name: "Panels" });
  await panels.getByRole("button", { name: /Generate/ }).tap();
  await page.getByLabel("Prompt").waitFor();
  assert.ok(await page.locator("#paper").isVisible());
  await keep(page, "phone-across-generate-dark");
  await panels.getByRole("button", { name: /References/ }).tap();
  await page.getByRole("region", { name: "References", exact: true }).waitFor();
  await keep(page, "phone-across-references-dark");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 844, `${wide} pixels wide`);
  assert.deepEqual(faults, []);
  await close();
});

/** Waits until the top of an element is in what scrolls it, and not above that. */
function atTop(page, selector) {
  return page.waitForFunction((wanted) => {
    const found = document.querySelector(wanted);
    const panel = document.querySelector('[aria-label="Find references"]').getBoundingClientRect();
    return found !== null && found.getBoundingClientRect().top >= panel.top;
  }, selector);
}

/** Scrolls the results by themselves or with the form above them, whatever scrolls on this screen. */
function scrollResults(page, selector, top) {
  return page.locator(selector).evaluate((element, to) => {
    let scroller = element.parentElement;
    while (!/auto|scroll/.test(getComputedStyle(scroller).overflowY)) scroller = scroller.parentElement;
    scroller.scrollTo(0, to === "end" ? scroller.scrollHeight : to);
  }, top);
}

for (const [how, size] of [["upright", UPRIGHT], ["held across", ACROSS]]) {
  test(`${how}, a new list is at its top, of a search and of the gallery; the gallery can be gone through`, async () => {
    const { page, faults, close } = await open("/", size);
    const answers = searches(page);
    await page.locator("#paper").waitFor();
    if (how === "upright") await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: "Find" }).tap();
    const words = page.getByLabel("Words", { exact: true });
    await words.fill("cat");
    await settled(page, answers);
    await scrollResults(page, "#results", 900);
    await page.waitForFunction(() => document.querySelector("#results").getBoundingClientRect().top < -300);
    await words.evaluate((field) => field.focus({ preventScroll: true }));
    await page.keyboard.press("Control+a");
    await page.keyboard.type("house");
    await settled(page, answers);
    await atTop(page, "#results");

    await words.fill("");
    await page.getByRole("radio", { name: "All pictures" }).tap();
    const grid = '[aria-label="Pictures of the gallery"]';
    const { total } = await call("/api/gallery?limit=1");
    await until("the last picture", async () => {
      await scrollResults(page, grid, "end");
      return page.locator(`${grid} li[aria-posinset="${total}"] img`).isVisible();
    });
    await keep(page, `gallery-end-${how.replace(" ", "-")}`);
    await page.getByRole("radio", { name: "Shelves" }).evaluate((radio) => radio.click());
    await atTop(page, '[aria-label="What to show of the gallery"]');
    assert.deepEqual(faults, []);
    await close();
  });
}

test("held across, the details go on to the next picture, download it, and make it a reference", async () => {
  const { page, faults, close } = await open("/", ACROSS);
  const answers = searches(page);
  await page.locator("#paper").waitFor();
  await page.getByLabel("Words", { exact: true }).fill("cat");
  const { results } = await settled(page, answers);
  await page.getByRole("button", { name: /^Details of/ }).first().tap();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Next picture" }).tap();
  const [, second] = results;
  await dialog.getByLabel("About the picture").getByText(String(second.id), { exact: true }).waitFor({ state: "attached" });
  await dialog.getByRole("button", { name: "Style reference" }).tap();
  await dialog.getByText("Gives its style; 1 reference in all").waitFor();
  await dialog.getByRole("button", { name: "Subject reference" }).tap();
  await dialog.getByText("Gives its subject; 1 reference in all").waitFor();
  await keep(page, "details-across-light");
  const downloading = page.waitForEvent("download");
  await dialog.getByRole("link", { name: "Download" }).tap();
  assert.equal((await downloading).suggestedFilename(), second.path.split("/").at(-1));
  await dialog.getByRole("button", { name: "Previous picture" }).tap();
  await dialog.getByText("Not among the references").waitFor();
  await checkAccessible(page, "the details on a phone held across");
  await dialog.getByRole("button", { name: "Close" }).tap();
  await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: /References/ }).getByText("1", { exact: true }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("the admin's page fits a phone: nothing is cut off, and nothing scrolls sideways", async () => {
  const { page, faults, close } = await open("/#/admin", UPRIGHT);
  await page.locator('tr[data-lane="bulk"]').waitFor();
  await page.getByRole("region", { name: "Recent changes" }).waitFor();
  const cut = await page.evaluate(() => {
    const wide = (element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== "hidden";
    const outside = (element) => element.getBoundingClientRect().right > window.innerWidth + 1;
    const all = [...document.querySelectorAll("main *")].filter((element) => element.getClientRects().length > 0 && !element.closest(".sr-only"));
    return all.filter((element) => outside(element) || (/auto|scroll/.test(getComputedStyle(element).overflowX) && wide(element))).map((element) => element.outerHTML.slice(0, 120));
  });
  assert.deepEqual(cut, []);
  await page.getByRole("button", { name: "Pause bulk" }).tap();
  await page.locator('tr[data-lane="bulk"]').getByText("paused").waitFor();
  await keep(page, "admin-phone-dark");
  await page.getByRole("button", { name: "Resume bulk" }).tap();
  await page.locator('tr[data-lane="bulk"]').getByText("paused").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await close();
});

test("a phone shows the progress above the drawing, and that pictures are ready", async () => {
  const { page, faults, close } = await open("/", UPRIGHT);
  await page.locator("#paper").waitFor();
  await draw(page, "#paper", DRAWINGS.apple);
  const panels = page.getByRole("navigation", { name: "Panels" });
  await panels.getByRole("button", { name: /Generate/ }).tap();
  await page.getByLabel("Prompt").fill("a red apple");
  await page.getByLabel("Pictures", { exact: true }).selectOption("4");
  // The job waits, or it may end before it was seen.
  await call("/api/admin/queues/interactive/pause", { method: "POST" });
  try {
    await page.getByRole("button", { name: /^Generate 4 pictures/ }).tap();
    await panels.getByRole("button", { name: "Draw" }).tap();
    await page.getByRole("progressbar", { name: "Progress of the generations" }).waitFor();
    await keep(page, "phone-progress-dark");
  } finally {
    await call("/api/admin/queues/interactive/resume", { method: "POST" });
  }
  await panels.getByText("New pictures").waitFor({ state: "attached", timeout: 600_000 });
  await keep(page, "phone-ready-dark");
  await panels.getByRole("button", { name: /Generate/ }).tap();
  await page.getByRole("img", { name: "Result 4" }).first().waitFor();
  assert.equal(await panels.getByText("New pictures").count(), 0);
  assert.deepEqual(faults, []);
  await close();
});
