// Two tabs, reloads, a crash of the browser and of the server, each in the middle of the other: no
// stroke and no reference is lost, and every message is true afterwards.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, draw, DRAWINGS, isStored, keep, ownFolder, pictureOf, serve, startBrowser, until } from "./harness.mjs";

const strokes = (page, count) => page.getByRole("img", { name: new RegExp(`Sketch pad with ${count} stroke`) }).waitFor();
const references = (page) => page.getByRole("list", { name: "References in use" }).locator("li");
const find = (page, words) => page.getByLabel("Words", { exact: true }).fill(words);

/** Adds pictures of the demo gallery to a server. */
async function fill(at) {
  const form = new FormData();
  for (const [subject, style] of [["apple", "line_art"], ["house", "vector_art"], ["moon", "vector_art"], ["cat", "vector_art"]])
    form.append("files", new File([pictureOf(subject, style)], `${subject}.png`, { type: "image/png" }));
  const response = await fetch(`${at}/api/pictures`, { method: "POST", body: form });
  assert.equal(response.status, 202, await response.clone().text());
  const { id } = await response.json();
  await until("the pictures", async () => (await call(`/api/jobs/${id}`, { at })).state === "succeeded");
}

async function refer(page, place) {
  await find(page, "picture");
  await page.locator("#results > li").nth(place).hover();
  await page.locator("#results > li").nth(place).getByRole("button", { name: /as a reference/ }).click();
}

/** Begins a stroke, does something else, and ends it. */
async function whileDrawing(page, y, work) {
  const box = await page.locator("#paper").boundingBox();
  await page.mouse.move(box.x + 40, box.y + y);
  await page.mouse.down();
  await page.mouse.move(box.x + 90, box.y + y, { steps: 4 });
  await work();
  await page.mouse.move(box.x + 160, box.y + y + 10, { steps: 4 });
  await page.mouse.up();
}

async function openTab(browser, at) {
  const page = await browser.context.newPage();
  page.setDefaultTimeout(120_000);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(at);
  await page.locator("#paper canvas").first().waitFor();
  return page;
}

/** Messages that are only true while the server is away. */
async function noneOfBefore(page) {
  for (const text of ["Service unavailable", "cannot be reached", "reconnecting", "cannot be stored"]) {
    await until(`"${text}" to go`, async () => (await page.getByText(text).filter({ visible: true }).count()) === 0);
  }
}

test("reloads, tabs, a killed browser and a killed server, each in the middle of the other", async () => {
  const server = await serve({});
  const at = server.url;
  await fill(at);
  const profile = ownFolder("profile-");
  let browser = await startBrowser(profile);

  // Two tabs, each with its own drawing and references.
  let first = await openTab(browser, at);
  await draw(first, "#paper", DRAWINGS.apple);
  await strokes(first, 3);
  await refer(first, 0);
  let second = await openTab(browser, at);
  await draw(second, "#paper", DRAWINGS.house);
  await strokes(second, 4);
  await refer(second, 1);
  await refer(second, 2);

  // The server is killed in the middle of a stroke in one tab, and a reload waits in the other.
  await first.bringToFront();
  await whileDrawing(first, 60, server.kill);
  await strokes(first, 4);
  await find(first, "moon");
  await first.getByText("Service unavailable").first().waitFor();
  await first.getByText("Your drawing is saved.").waitFor();
  await first.getByRole("button", { name: "Suggest references" }).click();
  await first.getByRole("region", { name: "References", exact: true }).getByText("The server cannot be reached.").waitFor();
  await keep(first, "recovery-away-light");
  await references(first).first().getByRole("radio", { name: "Subject" }).click();
  await isStored(first, 4);
  await second.bringToFront();
  await draw(second, "#paper", DRAWINGS.house.slice(0, 1));
  await strokes(second, 5);

  // It comes back in the middle of a stroke. Everything that was said meanwhile is taken back.
  await whileDrawing(second, 80, server.restart);
  await strokes(second, 6);
  await first.bringToFront();
  await noneOfBefore(first);
  await first.locator("#results > li").first().waitFor();
  await keep(first, "recovery-back-light");
  await Promise.all([first.reload(), second.reload()]);
  await strokes(first, 4);
  await strokes(second, 6);
  assert.deepEqual([await references(first).count(), await references(second).count()], [1, 2]);
  await references(first).first().getByRole("radio", { name: "Subject", checked: true }).waitFor();

  // A job runs in one tab. In its middle both are killed: the browser, while the other tab is being
  // reloaded and a stroke is drawn, and the server.
  await first.getByRole("tab", { name: /Generate/ }).click();
  await first.getByLabel("Prompt").fill("a red apple");
  await first.getByLabel("Pictures", { exact: true }).selectOption("4");
  await first.getByRole("button", { name: /^Generate 4 pictures/ }).click();
  const job = await first.locator("article[data-job]").first().getAttribute("data-job");
  await first.locator(`article[data-job="${job}"][data-state="running"]`).waitFor();
  await second.bringToFront();
  await draw(second, "#paper", DRAWINGS.house.slice(1, 2));
  await isStored(second, 7);
  await first.bringToFront();
  await draw(first, "#paper", DRAWINGS.house.slice(1, 2));
  await isStored(first, 5);
  const reloading = second.reload().catch(() => undefined);
  await whileDrawing(first, 100, browser.kill).catch(() => undefined);
  await reloading;
  await server.kill();
  await server.restart();

  // The first tab of the new browser has one of the drawings, and the list has the other.
  browser = await startBrowser(profile);
  const either = await openTab(browser, at);
  await either.getByRole("img", { name: /Sketch pad with (5|7) strokes/ }).waitFor();
  const other = await openTab(browser, at);
  const has = (page, count) => page.getByRole("img", { name: `Sketch pad with ${count} strokes` }).count();
  const missing = (await has(either, 5)) > 0 ? 7 : 5;
  await other.getByRole("button", { name: "Your drawings" }).click();
  const list = other.getByRole("list", { name: "Drawings" }).locator("li");
  await list.filter({ hasText: `${missing} strokes` }).first().getByRole("button", { name: /^Open/ }).click();
  await strokes(other, missing);
  [first, second] = missing === 7 ? [either, other] : [other, either];
  assert.deepEqual([await references(first).count(), await references(second).count()], [1, 2]);
  await second.bringToFront();
  await second.getByRole("button", { name: "Undo" }).click();
  await strokes(second, 6);
  await second.getByRole("button", { name: "Redo" }).click();
  await strokes(second, 7);

  // The job continued on the server.
  await second.getByRole("link", { name: "History" }).click();
  await second.getByRole("radio", { name: "Jobs" }).click();
  await second.locator(`article[data-job="${job}"][data-state="succeeded"]`).waitFor({ timeout: 600_000 });
  await second.getByRole("img", { name: "Result 4" }).first().waitFor();
  await noneOfBefore(second);
  await keep(second, "recovery-after-light");

  // A restart between two questions whether the server is there is noticed by what failed.
  await second.keyboard.press("/");
  await second.locator("#paper").waitFor();
  await server.kill();
  const failing = second.waitForEvent("requestfailed", (request) => request.url().includes("/api/search/hybrid"));
  await find(second, "apple");
  await failing;
  await server.restart();
  await noneOfBefore(second);
  await second.locator("#results > li").first().waitFor();
  await browser.kill();
  await server.kill();
});
