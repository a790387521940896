// Boards: hearts, order, roles, notes, references, searches and archives, in two tabs, by a link,
// and on a phone.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { call, checkAccessible, checkWidth, keep, open, searches, settled, until, url } from "./harness.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true };

const board = (id) => call(`/api/boards/${id}`);
const idsOf = ({ items }) => items.map((item) => item.picture);
const find = (page, words) => page.getByLabel("Words", { exact: true }).fill(words);
const cards = (page) => page.getByRole("list", { name: "Pictures of the board" }).locator("li");

/** The pictures on the screen, in their order. */
function order(page) {
  return cards(page).evaluateAll((items) => items.map((item) => item.dataset.picture));
}

/** Waits until all pictures of a list are loaded. */
async function waitForPictures(page, selector) {
  await page.waitForFunction((selector) => {
    const seen = [...document.querySelectorAll(`${selector} img`)].filter((image) => image.getBoundingClientRect().top < window.innerHeight);
    return seen.length > 0 && seen.every((image) => image.naturalWidth > 0);
  }, selector);
}

/** Drags with the mouse in steps, as a hand does. `over` are the places on the way, the last one the goal. */
async function dragOver(page, from, ...over) {
  await from.scrollIntoViewIfNeeded();
  await from.hover();
  await page.mouse.down();
  // The drag begins with the first move.
  const start = await from.boundingBox();
  await page.mouse.move(start.x + start.width / 2 + 12, start.y + start.height / 2 + 12, { steps: 3 });
  for (const place of over) {
    const target = typeof place === "function" ? place() : place;
    await target.waitFor();
    const box = await target.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2 - 2, { steps: 4 });
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  }
  await page.mouse.up();
}

test("hearts, boards, order, notes, references, a search, an archive, a link and taste", async () => {
  for (const { id, saved } of (await call("/api/boards")).boards) {
    if (!saved) await fetchDelete(`/api/boards/${id}`);
  }
  for (const id of idsOf(await board("saved")))
    await call("/api/boards/saved/items", { method: "POST", body: { operations: [{ op: "remove", id }] } });
  const { page, tab, faults, close } = await open("/");
  const answers = searches(page);
  await find(page, "apple");
  const apples = (await settled(page, answers)).results.slice(0, 6).map((hit) => String(hit.id));
  const results = page.locator("#results > li");

  // A heart puts into Saved, a second one takes out again.
  const heart = (index) => results.nth(index).getByRole("button", { name: /^Save / });
  await results.nth(0).hover();
  await heart(0).click();
  await until("the heart on the server", async () => idsOf(await board("saved")).join() === apples[0]);
  assert.equal(await heart(0).getAttribute("aria-pressed"), "true");
  await heart(0).click();
  await until("no heart on the server", async () => idsOf(await board("saved")).length === 0);
  await heart(0).click();
  await results.nth(1).hover();
  await heart(1).click();
  await until("two hearts", async () => idsOf(await board("saved")).join() === [apples[1], apples[0]].join());
  await page.reload();
  await page.waitForFunction(() => document.querySelector('#results button[aria-pressed="true"][aria-label^="Save "]') !== null);

  // A new board in another tab; pictures are dragged to it, and put on it in the details.
  const boards = await tab("/#/boards");
  await boards.getByLabel("Name of the board").fill("Still life");
  await boards.getByRole("button", { name: "Create" }).click();
  await boards.getByRole("heading", { name: "Still life" }).waitFor();
  await boards.getByText("No pictures yet").waitFor();
  await keep(boards, "boards-empty-light");
  const id = boards.url().split("/").at(-1);
  const strip = () => page.getByRole("list", { name: "Drop on a board" }).getByText("Still life");
  await dragOver(page, results.nth(2).locator("img").first(), () => strip());
  await until("the dragged picture", async () => idsOf(await board(id)).join() === apples[2]);
  await results.nth(3).getByRole("button", { name: /^Details of/ }).click();
  const dialog = page.getByRole("dialog", { name: /./ });
  await dialog.getByRole("button", { name: "Add to a board" }).click();
  await page.getByRole("button", { name: /^Still life/ }).click();
  await page.getByText("Added").waitFor();
  await keep(page, "boards-add-light");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  // The other tab shows both without a reload.
  await boards.bringToFront();
  await until("both pictures in the other tab", async () => (await order(boards)).join() === [apples[2], apples[3]].join());

  // Two tabs change one board at the same time: nothing is lost.
  const second = await tab(`/#/boards/${id}`);
  await second.getByRole("heading", { name: "Still life" }).waitFor();
  await call(`/api/boards/${id}/items`, { method: "POST", body: { operations: [{ op: "add", id: apples[4] }] } });
  await cards(second).nth(0).getByRole("button", { name: /^Add a note/ }).click();
  await second.getByRole("textbox", { name: /^Note about/ }).fill("the light from the left");
  await cards(boards).nth(0).getByRole("button", { name: /^Add a note/ }).click();
  await boards.getByRole("textbox", { name: /^Note about/ }).fill("another thought");
  await boards.getByRole("button", { name: "Save note" }).click();
  await boards.getByRole("button", { name: /another thought/ }).waitFor();
  // The second tab sees that there is another note now. Its own words are still in the field.
  await second.getByRole("button", { name: "Save note" }).click();
  await second.getByText(/Another tab has changed this note/).waitFor();
  assert.equal(await second.getByRole("textbox", { name: /^Note about/ }).inputValue(), "the light from the left");
  await second.getByRole("textbox", { name: /^Note about/ }).fill("the light from the left; another thought");
  await second.getByRole("button", { name: "Save note" }).click();
  await second.getByRole("button", { name: /the light from the left; another thought/ }).waitFor();
  const merged = await board(id);
  assert.deepEqual([merged.items[0].note, idsOf(merged).length], ["the light from the left; another thought", 3]);
  await second.close();

  // Order by dragging and by buttons, roles, weights.
  await until("three pictures", async () => (await order(boards)).length === 3);
  await dragOver(boards, cards(boards).nth(2).locator("img"), cards(boards).nth(0).locator("img"));
  await until("the moved picture first", async () => idsOf(await board(id))[0] === apples[4]);
  await cards(boards).nth(0).getByRole("button", { name: /^Move .* later/ }).click();
  await until("the moved picture second", async () => idsOf(await board(id))[1] === apples[4]);
  assert.deepEqual(await order(boards), [apples[2], apples[4], apples[3]]);
  await cards(boards).nth(1).getByLabel(/^Role of/).selectOption("style");
  await cards(boards).nth(2).getByRole("slider").press("Home");
  await until("the role and the weight", async () => {
    const { items } = await board(id);
    return items[1].role === "style" && items[2].weight === 0;
  });
  await waitForPictures(boards, "main");
  await keep(boards, "boards-light");
  await checkAccessible(boards, "a board");
  await boards.emulateMedia({ colorScheme: "dark" });
  await keep(boards, "boards-dark");
  await checkAccessible(boards, "a board in dark mode");
  await boards.emulateMedia({ colorScheme: "light" });

  // Taken off, and put back with its role, weight and place.
  await cards(boards).nth(1).getByRole("button", { name: /off the board$/ }).click();
  await until("one picture less", async () => idsOf(await board(id)).length === 2);
  await boards.getByRole("button", { name: "Undo" }).click();
  await until("the picture is back", async () => (await board(id)).items[1]?.role === "style");

  // Dragged from the board to the references, from there to another board, and from board to board.
  const tray = boards.getByRole("region", { name: "References", exact: true });
  await dragOver(boards, cards(boards).nth(0).locator("img"), tray);
  const reference = tray.getByRole("list", { name: "References in use" }).locator("li");
  await reference.first().waitFor();
  const entry = (name) => boards.getByRole("navigation", { name: "Boards" }).getByRole("link", { name: new RegExp(`^${name}`) });
  await dragOver(boards, reference.first().locator("img"), entry("Saved"));
  await until("the reference on Saved", async () => idsOf(await board("saved")).includes(apples[2]));
  await entry("Saved").click();
  await boards.getByRole("heading", { name: "Saved" }).waitFor();
  await dragOver(boards, cards(boards).last().locator("img"), entry("Still life"));
  await until("a heart on the board", async () => idsOf(await board(id)).length === 4);
  assert.equal(idsOf(await board("saved")).length, 3, "it stays on Saved");

  // Duplicated, renamed, deleted.
  await entry("Still life").click();
  await boards.getByRole("heading", { name: "Still life", exact: true }).waitFor();
  await boards.getByRole("button", { name: "Duplicate" }).click();
  await boards.getByRole("heading", { name: "Copy of Still life" }).waitFor();
  await boards.getByRole("button", { name: "Rename the board" }).click();
  await boards.getByLabel("Name of the board").last().fill("Second thoughts");
  await boards.getByRole("button", { name: "Rename", exact: true }).click();
  await boards.getByRole("heading", { name: "Second thoughts" }).waitFor();
  assert.deepEqual(await order(boards), idsOf(await board(id)));
  await boards.getByRole("button", { name: "Delete", exact: true }).click();
  await keep(boards, "boards-delete-light");
  await boards.getByRole("button", { name: "Delete the board" }).click();
  await until("one board less", async () => (await call("/api/boards")).boards.length === 2);

  // The archive: the pictures, their sources, and the board for programs.
  await entry("Still life").click();
  await boards.getByRole("heading", { name: "Still life", exact: true }).waitFor();
  const [download] = await Promise.all([boards.waitForEvent("download"), boards.getByRole("link", { name: "Export" }).click()]);
  assert.equal(download.suggestedFilename(), "still-life.zip");
  const folder = mkdtempSync(join(tmpdir(), "clippy-board-"));
  await download.saveAs(join(folder, "board.zip"));
  execFileSync("python3", ["-m", "zipfile", "-e", join(folder, "board.zip"), folder]);
  const described = JSON.parse(readFileSync(join(folder, "board.json"), "utf8"));
  const attribution = readFileSync(join(folder, "ATTRIBUTION.md"), "utf8");
  assert.equal(described.items.length, 4);
  for (const { file } of described.items) {
    assert.ok(readFileSync(join(folder, file)).length > 1000, file);
    assert.ok(attribution.includes(`\`${file}\``) && attribution.includes("Apache-2.0"), attribution);
  }
  rmSync(folder, { recursive: true });

  // A link: whoever has it sees the board, until it is revoked.
  await boards.getByRole("button", { name: "Share" }).click();
  await boards.getByLabel("The link is valid for").selectOption({ label: "1 day" });
  await boards.getByRole("button", { name: "Create a link" }).click();
  const link = await boards.getByLabel("Link to the board").inputValue();
  await keep(boards, "boards-share-light");
  await checkAccessible(boards, "sharing a board");
  const path = link.slice(link.indexOf("/#"));
  const visitor = await open(path);
  await visitor.page.getByRole("heading", { name: "Still life" }).waitFor();
  assert.equal(await cards(visitor.page).count(), 4);
  await visitor.page.getByText("the light from the left; another thought").waitFor();
  await waitForPictures(visitor.page, "main");
  assert.equal(await visitor.page.getByRole("button").count(), 0, "there is nothing to change");
  await keep(visitor.page, "boards-shared-light");
  await checkAccessible(visitor.page, "a shared board");
  await boards.getByRole("button", { name: "Revoke" }).click();
  await until("the link is revoked", async () => (await call(`/api/boards/${id}/shares`)).shares.length === 0);
  await visitor.page.reload();
  await visitor.page.getByText("This link is not valid").waitFor();
  assert.deepEqual(visitor.faults.filter((fault) => !/status of 404/.test(fault)), []);
  await visitor.close();
  await boards.keyboard.press("Escape");

  // Taste: seen, edited, forgotten.
  await entry("Your taste").click();
  const taste = boards.getByRole("region", { name: "Your taste" });
  await taste.getByRole("slider", { name: "How much you like apple" }).press("End");
  const artist = await boards.evaluate(() => JSON.parse(localStorage.getItem("clippy.session")).state.artist);
  const profile = () => call(`/api/profile?user_id=${artist}`);
  await until("the edited weight", async () => (await profile()).tags.apple === 1);
  await keep(boards, "boards-taste-light");
  await checkAccessible(boards, "taste");
  await taste.getByRole("button", { name: "Forget apple" }).click();
  await until("the forgotten tag", async () => !("apple" in (await profile()).tags));
  await taste.getByRole("button", { name: "Forget everything" }).click();
  await boards.getByRole("dialog").getByRole("button", { name: "Forget everything" }).click();
  await taste.getByText("Nothing learned yet").waitFor();
  assert.deepEqual((await profile()).tags, {});

  // A search by the board, and references from it.
  await entry("Still life").click();
  await boards.getByRole("button", { name: "Generate from it" }).click();
  await boards.getByRole("tab", { name: /Generate/, selected: true }).waitFor();
  await boards.getByRole("list", { name: "References in use" }).locator("li").nth(2).waitFor();
  assert.equal(await boards.getByRole("list", { name: "References in use" }).locator("li").count(), 3, "the one without weight is left out");
  await boards.goBack();
  const found = searches(boards);
  await boards.getByRole("button", { name: "Search by it" }).click();
  const alike = await settled(boards, found);
  await boards.getByRole("button", { name: /from similar pictures$/ }).first().waitFor();
  assert.equal(await boards.getByRole("button", { name: /from similar pictures$/ }).count(), 2);
  assert.equal(await boards.getByRole("button", { name: /from the styles$/ }).count(), 1);
  assert.ok(alike.results.length > 0 && alike.results.every((hit) => !apples.slice(2, 3).includes(String(hit.id))));
  assert.deepEqual(faults, []);
  await close();
});

async function fetchDelete(path) {
  const response = await fetch(url + path, { method: "DELETE" });
  assert.equal(response.status, 204);
}

test("boards on a phone, in the dark: hearts, order by buttons, notes", async () => {
  const { page, faults, close } = await open("/", PHONE);
  const answers = searches(page);
  await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: "Find" }).tap();
  await find(page, "moon");
  const [first, other] = (await settled(page, answers)).results.map((hit) => String(hit.id));
  for (const place of [0, 1]) {
    await page.locator("#results > li").nth(place).getByRole("button", { name: /^Details of/ }).tap();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Save", exact: true }).tap();
    await dialog.getByRole("button", { name: "Saved", exact: true }).waitFor();
    await dialog.getByRole("button", { name: "Close" }).tap();
  }
  await page.getByRole("link", { name: "Boards" }).tap();
  await page.getByRole("heading", { name: "Saved" }).waitFor();
  await until("both at the beginning", async () => (await order(page)).slice(0, 2).join() === [other, first].join());
  await cards(page).nth(0).getByRole("button", { name: /^Move .* later/ }).tap();
  await until("the other order", async () => idsOf(await board("saved")).slice(0, 2).join() === [first, other].join());
  await cards(page).nth(0).getByRole("button", { name: /^Add a note/ }).tap();
  await page.getByRole("textbox", { name: /^Note about/ }).fill("pale, and large");
  await page.getByRole("button", { name: "Save note" }).tap();
  await page.getByRole("button", { name: /pale, and large/ }).waitFor();
  await waitForPictures(page, "main");
  await keep(page, "boards-phone-dark");
  await checkAccessible(page, "boards on a phone");
  await checkWidth(page.getByRole("main"));
  await checkWidth(page.getByRole("banner"));
  await page.emulateMedia({ colorScheme: "light" });
  await keep(page, "boards-phone-light");
  await checkAccessible(page, "boards on a phone in light mode");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `${width} pixels wide`);
  assert.deepEqual(faults, []);
  await close();
});

test("what an earlier version saved in the browser is put on Saved", async () => {
  const { results } = await call("/api/search/hybrid", { method: "POST", body: { query_text: "cat", top: 3 } });
  const ids = results.map((hit) => String(hit.id));
  const { page, close } = await open("/");
  await page.evaluate((ids) => localStorage.setItem("clippy.saved", JSON.stringify(["999999999", ...ids])), ids);
  await page.reload();
  await until("the earlier hearts", async () => {
    const saved = idsOf(await board("saved"));
    return ids.every((id) => saved.includes(id));
  });
  await page.waitForFunction(() => localStorage.getItem("clippy.saved") === null);
  await close();
});
