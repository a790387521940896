// What decides the results: the drawing, the words or the style; and words that a drawing drowns out.

import assert from "node:assert/strict";
import { test } from "node:test";

import { checkAccessible, draw, DRAWINGS, keep, open, searches, settled } from "./harness.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" };

const find = (page, words) => page.getByLabel("Words", { exact: true }).fill(words);
const subjects = ({ results }) => results.slice(0, 6).map((hit) => hit.payload.subject);
const balanceOf = (page) => page.getByRole("group", { name: "What decides the results" });
const part = (page, name) => balanceOf(page).getByRole("button", { name: new RegExp(`^${name} \\d+%`) });

/** The shares that the balance shows, in percent. */
async function shares(page) {
  const labels = await balanceOf(page).getByRole("button").allInnerTexts();
  return Object.fromEntries(labels.map((label) => [label.match(/\w+/)[0], Number(label.match(/\d+/)[0])]));
}

test("the balance shows what decides, and a tap shifts it; words that no picture fits are said to", async () => {
  const { page, faults, close } = await open("/");
  const answers = searches(page);
  await page.locator("#paper").waitFor();
  await draw(page, "#paper", DRAWINGS.house);
  await settled(page, answers);
  assert.equal(await balanceOf(page).count(), 0, "there is nothing to balance");

  // The drawing decides, and no picture is an apple.
  await find(page, "a red apple");
  const drawn = await settled(page, answers);
  assert.ok(!subjects(drawn).includes("apple"), subjects(drawn).join());
  assert.deepEqual(await shares(page), { Drawing: 83, Words: 17 });
  const note = page.getByRole("note").filter({ hasText: "none of them fits the words" });
  await note.getByText("a red apple").waitFor();
  await keep(page, "balance-light");
  await checkAccessible(page, "words that disagree with the drawing");

  // One tap follows the words; the weights are those of the sliders.
  await note.getByRole("button", { name: "Follow the words instead" }).click();
  const worded = await settled(page, answers);
  assert.equal(subjects(worded)[0], "apple", subjects(worded).join());
  assert.ok(worded.weights.text > 0.8, JSON.stringify(worded.weights));
  assert.equal(await note.count(), 0);
  await page.getByRole("button", { name: "Search settings" }).click();
  assert.ok(Number(await page.getByRole("slider", { name: "Weight of words" }).getAttribute("aria-valuenow")) > 0.8);
  await page.keyboard.press("Escape");

  // The keyboard shifts it, too: back to the usual balance, and once around. A reload keeps it.
  await part(page, "Drawing").focus();
  await page.keyboard.press("Enter");
  await settled(page, answers);
  assert.deepEqual(await shares(page), { Drawing: 83, Words: 17 });
  await part(page, "Words").click();
  const once = await shares(page);
  assert.ok(once.Words > 50 && once.Words < 80, JSON.stringify(once));
  await page.reload();
  await settled(page, answers);
  assert.deepEqual(await shares(page), once);
  await part(page, "Words").click();
  await part(page, "Words").click();
  await settled(page, answers);
  assert.deepEqual(await shares(page), { Drawing: 83, Words: 17 });
  assert.equal(await page.getByRole("radio", { name: "Balanced" }).getAttribute("aria-checked"), "true");

  // The words alone, and the drawing again.
  await note.getByRole("button", { name: "Search the words alone" }).click();
  const alone = await settled(page, answers);
  assert.equal(alone.weights.text, 1);
  assert.equal(subjects(alone)[0], "apple", subjects(alone).join());
  assert.equal(await balanceOf(page).count(), 0);
  await page.getByRole("note").getByRole("button", { name: "Search with it" }).click();
  await settled(page, answers);
  assert.deepEqual(await shares(page), { Drawing: 83, Words: 17 });

  // Words that agree with the drawing need no note.
  await find(page, "house");
  assert.equal(subjects(await settled(page, answers))[0], "house");
  assert.equal(await page.getByRole("note").count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test("the balance fits a phone, with a style as well", async () => {
  const { page, faults, close } = await open("/", PHONE);
  const answers = searches(page);
  await page.locator("#paper").waitFor();
  await draw(page, "#paper", DRAWINGS.house);
  await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: "Find" }).tap();
  await find(page, "a red apple");
  await settled(page, answers);
  await page.getByRole("button", { name: /^Details of/ }).first().tap();
  await page.getByRole("dialog").getByRole("button", { name: "Same style" }).tap();
  await settled(page, answers);
  const before = await shares(page);
  assert.deepEqual(Object.keys(before), ["Drawing", "Words", "Style"]);
  await part(page, "Style").tap();
  await settled(page, answers);
  assert.ok((await shares(page)).Style > before.Style);
  await keep(page, "balance-phone-dark");
  await checkAccessible(page, "the balance on a phone");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${wide} pixels wide`);
  assert.deepEqual(faults, []);
  await close();
});
