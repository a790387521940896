// The history of generated pictures: found by words, style, date and reference, marked, deleted, and restored with
// everything that they were made from, in another browser and on a phone.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, checkAccessible, checkWidth, draw, DRAWINGS, keep, open, until } from "./harness.mjs";

const PAPER = "#paper";
const entries = (page) => page.getByRole("list", { name: "Generated pictures", exact: true }).locator("> li");
const entry = (page, words) => entries(page).filter({ has: page.getByRole("heading", { name: words }) });
const strokes = (page, words) => page.getByRole("img", { name: new RegExp(`Sketch pad with ${words}`) }).waitFor();

/** Sends the form, and returns what was sent and the job with its result. */
async function generate(page) {
  const asking = page.waitForResponse((response) => response.url().endsWith("/api/images/generate"));
  await page.getByRole("button", { name: /^Generate \d picture/ }).click();
  const answer = await asking;
  const { id } = await answer.json();
  const job = await until("the job", async () => {
    const found = await call(`/api/jobs/${id}`);
    assert.notEqual(found.state, "failed", JSON.stringify(found.error));
    return found.state === "succeeded" && found;
  });
  return { sent: answer.request().postDataJSON(), job };
}

async function openHistory(page) {
  await page.getByRole("link", { name: "History" }).click();
  await page.getByRole("radio", { name: "Pictures" }).click();
}

/** Waits for the pictures in view: others are not loaded before somebody scrolls to them. */
const pictured = (page) =>
  page.waitForFunction(() => {
    const isInView = (image) => image.getBoundingClientRect().top < window.innerHeight;
    const images = [...document.querySelectorAll("[data-entry] img")].filter(isInView);
    return images.length > 0 && images.every((image) => image.naturalWidth > 0);
  });

test("pictures are found again, restored with sketch, references, mask and seed, and go on as one chain", async () => {
  const { page, faults, close } = await open("/");
  await strokes(page, 0);
  await draw(page, PAPER, DRAWINGS.apple);
  await strokes(page, 3);
  await page.locator("#results > li").first().waitFor();
  await page.locator("#results > li").first().hover();
  await page.locator("#results > li").first().getByRole("button", { name: /as a reference/ }).click();
  await page.getByRole("tab", { name: /Generate/ }).click();
  await page.getByLabel("Prompt").fill("a ruby apple for the history");
  await page.getByLabel("Pictures", { exact: true }).selectOption("2");

  // Without a seed each run has another one. The lock keeps that of the last pictures.
  const lock = page.getByRole("button", { name: "Keep the seed" });
  assert.equal(await lock.getAttribute("aria-pressed"), "false");
  const first = await generate(page);
  assert.equal(first.sent.seed, undefined);
  const second = await generate(page);
  const seeds = [first, second].map(({ job }) => job.result.images[0].seed);
  assert.notEqual(seeds[0], seeds[1]);
  await page.waitForFunction((seed) => document.querySelector("#seed")?.getAttribute("placeholder")?.includes(String(seed)), seeds[1]);
  await lock.click();
  assert.equal(await page.getByLabel("Seed", { exact: true }).inputValue(), String(seeds[1]));
  await keep(page, "seed-locked-light");
  const third = await generate(page);
  assert.equal(third.sent.seed, seeds[1]);
  await lock.click();
  assert.equal(await page.getByLabel("Seed", { exact: true }).inputValue(), "");

  // The history has the artist's words, and not what was sent.
  await openHistory(page);
  await entry(page, "a ruby apple for the history").nth(2).waitFor();
  await pictured(page);
  const made = await call("/api/history?q=ruby");
  const newest = made.entries[0];
  const bytes = made.usage.picture_bytes;
  assert.ok(bytes > 0, JSON.stringify(made.usage));
  assert.match(await page.getByTestId("usage").innerText(), /\d+ pictures, [\d.]+ (kB|MB) · .* · kept until you delete them/);
  await page.getByRole("searchbox", { name: "Words" }).fill("RUBY nowhere");
  await page.getByText("No picture is like that").waitFor();
  await page.getByRole("searchbox", { name: "Words" }).fill("RUBY");
  await page.waitForFunction(() => document.querySelectorAll("[data-entry]").length === 3);
  await page.getByLabel("Until").fill("2020-01-01");
  await page.getByText("No picture is like that").waitFor();
  await page.getByRole("button", { name: "Show all", exact: true }).click();

  // A favourite, found by its heart.
  const card = page.locator(`[data-entry="${newest.id}"]`);
  await card.getByRole("button", { name: "Favourite: picture 2" }).click();
  await card.getByRole("button", { name: "Favourite: picture 2", pressed: true }).waitFor();
  await keep(page, "history-light");
  await checkAccessible(page, "the history");
  await page.getByRole("button", { name: "Favourites" }).click();
  await page.waitForFunction(() => document.querySelectorAll("[data-entry]").length === 1);
  await page.getByRole("button", { name: "Favourites" }).click();

  // Large: the sketch that the server kept, and what else was made from the reference.
  await card.getByRole("button", { name: "Open picture 2" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: "Compare with the sketch" }).click();
  await page.waitForFunction(() => document.querySelector('[role="dialog"] img[alt="The drawing"]')?.naturalWidth > 0);
  await dialog.getByText(/Receipt · local/).waitFor();
  await keep(page, "history-picture-light");
  await checkAccessible(page, "a picture of the history");
  await dialog.getByRole("list", { name: "References" }).getByRole("button").click();
  await page.getByText("Made from this picture").waitFor();
  await page.waitForFunction(() => document.querySelectorAll("[data-entry]").length >= 3);
  await page.getByRole("button", { name: "Show all", exact: true }).click();

  // Another browser, which knows nothing: the server restores everything.
  const other = await open("/#/history");
  await other.page.locator(`[data-entry="${newest.id}"]`).getByRole("button", { name: "Use these settings" }).click();
  await strokes(other.page, "3 strokes");
  const references = other.page.getByRole("list", { name: "References in use" }).locator("li");
  await references.first().waitFor();
  assert.equal(await references.count(), 1);
  assert.equal(await other.page.getByLabel("Prompt").inputValue(), "a ruby apple for the history");
  assert.equal(await other.page.getByLabel("Seed", { exact: true }).inputValue(), String(seeds[1]));
  assert.equal(await other.page.getByLabel("Name of the drawing").inputValue(), "a ruby apple for the history");
  assert.equal(await other.page.getByText("Not restored").count(), 0);
  await keep(other.page, "history-restored-light");
  const again = await generate(other.page);
  const { drawing: drawn, ...rest } = again.sent;
  const { drawing: before, ...asked } = third.sent;
  delete asked.query;
  delete rest.query;
  assert.deepEqual(rest, asked, "the same request");
  assert.deepEqual(JSON.parse(drawn).strokes.length, JSON.parse(before).strokes.length);

  // On from a picture, with a mask over it: one chain with the words of its newest step.
  await openHistory(other.page);
  await other.page.locator(`[data-entry="${newest.id}"]`).getByRole("button", { name: "Go on from here" }).click();
  await strokes(other.page, "3 strokes on a picture");
  await other.page.getByRole("radio", { name: "Mask" }).click();
  await draw(other.page, PAPER, [[[0.3, 0.3], [0.7, 0.3]], [[0.3, 0.4], [0.7, 0.4]]]);
  await other.page.getByLabel("Prompt").fill("now with a green bite");
  await other.page.getByLabel("Pictures", { exact: true }).selectOption("1");
  const edit = await generate(other.page);
  assert.deepEqual(edit.sent.parent, { id: newest.id, index: 0 });
  await openHistory(other.page);
  const chain = entry(other.page, "now with a green bite");
  await chain.getByRole("button", { name: "2 steps" }).click();
  const steps = other.page.getByRole("list", { name: "Steps" }).getByRole("button");
  await steps.nth(1).waitFor();
  assert.equal(await steps.count(), 2);
  await keep(other.page, "history-chain-light");
  await other.page.getByRole("dialog").getByRole("button", { name: "Use these settings" }).click();
  // The two strokes of the mask are part of the drawing.
  await strokes(other.page, "5 strokes on a picture");
  await other.page.locator('[aria-label="Change only the masked area"][aria-checked="true"], [role="switch"][aria-checked="true"]').first().waitFor();
  const edited = await generate(other.page);
  assert.ok(edited.sent.mask.startsWith("data:image/png") && edited.sent.seed === edit.job.result.images[0].seed, "mask and seed");
  await other.close();

  // Deleting asks once, and takes the files along.
  await openHistory(page);
  const gone = first.job.id;
  await page.locator(`[data-entry="${gone}"]`).getByRole("button", { name: "Delete" }).click();
  await page.getByText("Delete 2 pictures for good?").waitFor();
  const question = page.getByRole("group", { name: "Delete 2 pictures for good?" });
  await question.getByRole("button", { name: "Delete", exact: true }).click();
  await page.locator(`[data-entry="${gone}"]`).waitFor({ state: "detached" });
  const usage = await call("/api/history?q=ruby");
  assert.ok(!usage.entries.some(({ id }) => id === gone));
  assert.deepEqual(faults, []);
  await close();
});

test("the history on a phone and in the dark", async () => {
  const { page, faults, close } = await open("/#/history", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2, colorScheme: "dark" });
  await pictured(page);
  const [width] = await page.evaluate(() => [document.documentElement.scrollWidth]);
  assert.ok(width <= 390, `the page is ${width} px wide`);
  await keep(page, "phone-history-dark");
  await checkAccessible(page, "the phone's history");
  await entries(page).first().getByRole("button", { name: "Open picture 1" }).tap();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Go on from here" }).waitFor();
  await checkWidth(dialog);
  await keep(page, "phone-history-picture-dark");
  await dialog.getByRole("button", { name: "Go on from here" }).tap();
  await page.getByRole("form", { name: "Generation settings" }).waitFor();
  await keep(page, "phone-history-restored-dark");
  await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: /Draw/ }).tap();
  await strokes(page, "\\d+ strokes? on a picture");
  assert.deepEqual(faults, []);
  await close();
});

test("the history in the dark on a desktop", async () => {
  const { page, faults, close } = await open("/#/history", { colorScheme: "dark" });
  await pictured(page);
  await keep(page, "history-pictures-dark");
  await checkAccessible(page, "the history in the dark");
  assert.deepEqual(faults, []);
  await close();
});
