// The gallery without a search: shelves, all pictures in a grid that renders only what is near, filters.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, checkAccessible, checkWidth, keep, open, until } from "./harness.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

function regionOf(page) {
  return page.getByRole("list", { name: "Pictures of the gallery" });
}

/** The positions of the pictures that are rendered, from 1. */
function positions(grid) {
  return grid.locator("li[aria-posinset]").evaluateAll((tiles) => tiles.map((tile) => Number(tile.ariaPosInSet)));
}

/** Waits until the pictures in view are loaded. */
async function waitForPictures(page) {
  await page.waitForFunction(() => {
    const list = document.querySelector('[aria-label="Pictures of the gallery"]');
    const images = [...(list?.querySelectorAll("img") ?? [])].filter((image) => {
      const { top, bottom } = image.getBoundingClientRect();
      return top < window.innerHeight && bottom > 0;
    });
    return images.length >= 4 && images.every((image) => image.naturalWidth > 0);
  });
}

/** Scrolls what holds the grid, to a share of its height. */
function scrollTo(grid, share) {
  return grid.evaluate((list, part) => {
    let scroller = list.parentElement;
    while (scroller.scrollHeight <= scroller.clientHeight) scroller = scroller.parentElement;
    scroller.scrollTop = part * scroller.scrollHeight;
  }, share);
}

test("all pictures, the newest first, in a grid; any of the styles and the tags, as chips with counts", async () => {
  const first = await call("/api/gallery?limit=200");
  const { page, faults, close } = await open("/");
  await page.getByRole("region", { name: "Newest" }).locator("li").nth(5).waitFor();
  await keep(page, "gallery-shelves-light");
  await page.getByRole("radio", { name: "All pictures" }).click();
  const grid = regionOf(page);
  await waitForPictures(page);
  await checkAccessible(page, "the gallery");
  await keep(page, "gallery-light");
  assert.equal(await grid.locator("li").first().getAttribute("aria-setsize"), String(first.total));
  const title = first.pictures[0].payload.subject.replaceAll("_", " ");
  assert.match(await grid.getByRole("button").first().getAttribute("aria-label"), new RegExp(`^Details of ${title}`));

  // To the end and back: only what is near the view is rendered, and each place has its picture.
  await scrollTo(grid, 1);
  await until("the last picture", async () => (await positions(grid)).includes(first.total));
  await waitForPictures(page);
  assert.ok((await grid.locator("li").count()) < 80, "far fewer tiles than pictures");
  const last = (await call(`/api/gallery?at=${first.total - 1}`)).pictures[0];
  const end = grid.locator(`li[aria-posinset="${first.total}"] img`);
  assert.match(await end.getAttribute("src"), new RegExp(`/image/${last.id}(\\?|$)`));
  await scrollTo(grid, 0);
  await until("the first picture", async () => (await positions(grid)).includes(1));

  // The details of a picture, its buttons, and the keyboard.
  await grid.getByRole("button", { name: /^Details of/ }).first().focus();
  await page.keyboard.press("Tab");
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /as a reference$/);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-pressed")), "true");
  await grid.getByRole("button", { name: /^Details of/ }).first().click();
  await page.getByRole("dialog").getByRole("img", { name: /at full size$/ }).waitFor();
  assert.equal(await page.getByText("Why it was found").count(), 0);
  await page.keyboard.press("Escape");

  // Two styles and a tag: any of the styles, and the tag.
  const counts = await call("/api/gallery/counts");
  const [one, two] = counts.styles.map(({ value }) => value);
  const chip = (value) => page.getByRole("list", { name: "Styles", exact: true }).getByRole("button", { name: value.replaceAll("_", " "), exact: true });
  const status = async (pattern) => page.getByRole("status").filter({ hasText: pattern }).waitFor();
  await chip(one).click();
  await status(new RegExp(`^${counts.styles[0].count} pictures of ${first.total}`));
  await chip(two).click();
  await status(new RegExp(`^${counts.styles[0].count + counts.styles[1].count} pictures of`));
  assert.equal(await chip(two).getAttribute("aria-pressed"), "true");
  assert.match(await chip(two).textContent(), new RegExp(String(counts.styles[1].count)));
  const within = await call(`/api/gallery/counts?styles=${one},${two}`);
  const tag = within.tags[0];
  await page.getByRole("combobox", { name: "Filter by tag" }).fill(tag.value);
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  await status(new RegExp(`^${tag.count} pictures? of`));
  await waitForPictures(page);
  await page.getByRole("button", { name: new RegExp(`^${tag.value.replaceAll("_", " ")} ?${tag.count}$`) }).waitFor();
  await checkAccessible(page, "the gallery with filters");
  await keep(page, "gallery-filters-light");
  const shown = await call(`/api/gallery?styles=${one},${two}&tags=${tag.value}&limit=200`);
  assert.ok(shown.pictures.every(({ payload }) => payload.tags_all.includes(tag.value) && [one, two].includes(payload.matched_tags[0])));

  // Each filter goes by itself.
  await chip(one).click();
  await chip(two).click();
  await page.getByRole("button", { name: `Remove the filter ${tag.value.replaceAll("_", " ")}` }).click();
  await page.getByRole("radio", { name: "All pictures" }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("a gallery that is higher than any element is walked to its end on a phone", async () => {
  const total = 500_000;
  const answer = { ...(await call("/api/gallery?limit=100")), total };
  const { page, faults, close } = await open("/", PHONE);
  await page.route(({ pathname }) => pathname === "/api/gallery", (route) => route.fulfill({ json: answer }));
  await page.reload();
  await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: "Find" }).tap();
  await page.getByRole("radio", { name: "All pictures" }).tap();
  const grid = regionOf(page);
  await waitForPictures(page);
  // The rows that are rendered fill the view, and those at the ends are where the list ends.
  const inView = () => grid.locator("li[aria-posinset]").evaluateAll((tiles) => {
    const seen = tiles.filter((tile) => {
      const { top, bottom } = tile.getBoundingClientRect();
      return top < window.innerHeight && bottom > 0;
    });
    return seen.map((tile) => Number(tile.ariaPosInSet));
  });
  await scrollTo(grid, 1);
  await until("the last picture", async () => (await inView()).includes(total));
  await waitForPictures(page);
  await keep(page, "gallery-end-phone-light");
  await scrollTo(grid, 0.5);
  await until("the pictures in the middle", async () => {
    const [first] = await inView();
    return Math.abs(first - total / 2) < total / 100;
  });
  await waitForPictures(page);
  await scrollTo(grid, 0);
  await until("the first picture", async () => (await inView()).includes(1));
  assert.deepEqual(faults, []);
  await close();
});

test("the gallery fits a phone, in the dark", async () => {
  const { page, faults, close } = await open("/", { ...PHONE, colorScheme: "dark" });
  await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: "Find" }).tap();
  await page.getByRole("radio", { name: "All pictures" }).tap();
  const grid = regionOf(page);
  await waitForPictures(page);
  await checkWidth(grid);
  await keep(page, "gallery-phone-dark");
  const columns = await grid.locator("li").evaluateAll((tiles) => new Set(tiles.map((tile) => tile.getBoundingClientRect().left)).size);
  assert.equal(columns, 2);
  await scrollTo(grid, 1);
  const { total } = await call("/api/gallery?limit=1");
  await until("the last picture", async () => (await positions(grid)).includes(total));
  await waitForPictures(page);
  await checkAccessible(page, "the gallery on a phone");
  assert.deepEqual(faults, []);
  await close();
});
