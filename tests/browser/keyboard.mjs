// The keyboard and screen readers: where the focus goes, which keys work where, and what axe finds
// on every view. Then what an artist sees of a search that changed and of pictures that are painted.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { call, checkAccessible, draw, DRAWINGS, keep, open, searches, settled } from "./harness.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const focused = (page) => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent?.trim() ?? "");
const find = (page, words) => page.getByLabel("Words", { exact: true }).fill(words);

async function isFocused(page, locator, what) {
  // A view that is shown again may make the element anew, so it is looked up each time.
  const until = Date.now() + 60_000;
  const isActive = (element) => element === document.activeElement;
  while (!(await locator.evaluate(isActive, undefined, { timeout: 60_000 }).catch(() => false))) {
    if (Date.now() > until) assert.fail(`${what}: the focus is on "${await focused(page)}"`);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

test("the focus returns after each dialog, and the keys work where they should", async () => {
  const { page, faults, close } = await open("/");
  await page.locator("#paper").waitFor();
  const dialog = page.getByRole("dialog");
  for (const name of ["Keyboard shortcuts", "Add pictures", "Your drawings"]) {
    const button = page.getByRole("button", { name, exact: true });
    await button.focus();
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await isFocused(page, button, name);
  }
  const theme = page.getByRole("button", { name: /Change the theme/ });
  await theme.focus();
  await page.keyboard.press("?");
  await dialog.getByText("Search by words, from any page").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await isFocused(page, theme, "the shortcuts' list by its key");

  // The details go through the results, and leave the focus on the picture that was shown last.
  const answers = searches(page);
  await page.getByRole("radio", { name: "Meaning" }).focus();
  await page.keyboard.press("/");
  await isFocused(page, page.getByLabel("Words", { exact: true }), "the slash");
  await page.keyboard.type("apple");
  await settled(page, answers);
  const cards = page.getByRole("button", { name: /^Details of/ });
  await cards.nth(1).focus();
  await page.keyboard.press("Enter");
  const ids = await page.locator("#results [data-details]").evaluateAll((all) => all.map((element) => element.dataset.details));
  const shown = async (place) => {
    await dialog.getByText(`Result ${place}`, { exact: true }).waitFor({ state: "attached" });
    await page.waitForFunction((id) => document.querySelector('[role="dialog"] img')?.getAttribute("src").includes(`image/${id}`), ids[place - 1]);
  };
  await shown(2);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await shown(4);
  await dialog.getByRole("button", { name: "Next picture" }).click();
  await shown(5);
  await dialog.getByRole("button", { name: "Previous picture" }).click();
  await shown(4);
  // In a field, the arrows move the cursor.
  await dialog.getByRole("button", { name: "Edit tags" }).click();
  await dialog.getByRole("combobox", { name: "Add a tag" }).press("ArrowRight");
  await shown(4);
  await dialog.getByRole("button", { name: "Cancel" }).press("Enter");
  for (let step = 0; step < 4; step += 1) await page.keyboard.press("ArrowLeft");
  await shown(1);
  assert.ok(await dialog.getByRole("button", { name: "Previous picture" }).isDisabled());
  await keep(page, "details-steps-light");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await isFocused(page, cards.nth(0), "the details");

  // The slash works from every view, whatever panel is shown there.
  await draw(page, "#paper", DRAWINGS.house);
  await page.getByRole("img", { name: /Sketch pad with 4 strokes/ }).waitFor();
  for (const view of ["history", "admin", "bench"]) {
    await page.goto(`${new URL(page.url()).origin}/#/${view}`);
    await page.getByRole("heading", { level: 1 }).filter({ hasNotText: "Studio" }).waitFor();
    // An undo that nobody sees.
    await page.keyboard.press("Control+z");
    await page.keyboard.press("/");
    await isFocused(page, page.getByLabel("Words", { exact: true }), view);
    assert.ok(await page.getByLabel("Words", { exact: true }).isVisible(), view);
    assert.equal(await page.getByLabel("Words", { exact: true }).inputValue(), "apple");
    await page.getByRole("img", { name: /Sketch pad with 4 strokes/ }).waitFor();
  }
  await page.getByRole("tab", { name: /Generate/ }).click();
  await page.keyboard.press("/");
  await isFocused(page, page.getByLabel("Words", { exact: true }), "the form");

  // A button that disappears leaves the focus beside it.
  await page.getByRole("button", { name: "Clear the words" }).focus();
  await page.keyboard.press("Enter");
  await isFocused(page, page.getByLabel("Words", { exact: true }), "cleared words");
  assert.deepEqual(faults, []);
  await close();
});

test("the details make references with feedback, download the file, and ask: same subject or same style", async () => {
  const { page, faults, close } = await open("/", { acceptDownloads: true });
  await page.locator("#paper").waitFor();
  const answers = searches(page);
  await find(page, "moon");
  const { results } = await settled(page, answers);
  const first = page.getByRole("button", { name: /^Details of/ }).first();
  const dialog = page.getByRole("dialog");
  await first.click();
  const uses = dialog.getByRole("group", { name: "Use as a reference" });
  await uses.getByText("Not among the references").waitFor();
  await uses.getByRole("button", { name: "Style reference" }).click();
  await uses.getByText("Gives its style; 1 reference in all").waitFor();
  await uses.getByRole("button", { name: "Subject reference" }).click();
  await uses.getByText("Gives its subject; 1 reference in all").waitFor();
  assert.equal(await uses.getByRole("button", { name: "Subject reference" }).getAttribute("aria-pressed"), "true");
  assert.equal(await uses.getByRole("button", { name: "Style reference" }).getAttribute("aria-pressed"), "false");
  // A dialog hides the rest of the page from screen readers.
  assert.equal(await page.locator('[aria-label="References in use"] [aria-checked="true"]').innerText(), "Subject");
  await keep(page, "details-reference-light");
  await uses.getByRole("button", { name: "Subject reference" }).click();
  await uses.getByText("Not among the references").waitFor();

  const downloading = page.waitForEvent("download");
  await dialog.getByRole("link", { name: "Download" }).click();
  const download = await downloading;
  const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
  const original = Buffer.from(await (await fetch(new URL(results[0].payload.image_url, page.url()))).arrayBuffer());
  assert.equal(hash(readFileSync(await download.path())), hash(original));
  assert.equal(download.suggestedFilename(), results[0].path.split("/").at(-1));

  // The same style finds other subjects; the same subject finds other styles.
  await dialog.getByRole("group", { name: "More like this" }).getByRole("button", { name: "Same style" }).click();
  await page.getByRole("group", { name: "In the style of" }).getByRole("button", { name: /from the styles$/ }).waitFor();
  const sent = page.waitForRequest((request) => request.url().includes("/api/search/hybrid"));
  await find(page, "");
  const form = (await sent).postData() ?? "";
  assert.match(form, /name="style_like"/);
  assert.doesNotMatch(form, /name="like"/);
  await settled(page, answers);
  await page.getByRole("button", { name: /from the styles$/ }).click();
  await find(page, "moon");
  await settled(page, answers);
  await page.locator("#results > li").first().hover();
  await page.getByRole("button", { name: /^More like/ }).first().click();
  await keep(page, "more-like-this-light");
  const asking = page.waitForRequest((request) => request.url().includes("/api/search/hybrid"));
  await page.getByRole("button", { name: "Same subject" }).click();
  assert.match((await asking).postData() ?? "", /name="like"/);
  assert.deepEqual(faults, []);
  await close();
});

test("after a new query the list is at its top", async () => {
  const { page, close } = await open("/");
  await page.locator("#paper").waitFor();
  const answers = searches(page);
  await find(page, "cat");
  await settled(page, answers);
  const top = () => page.locator("#results").evaluate((list) => list.parentElement.scrollTop);
  const scroll = async () => {
    await page.locator("#results").evaluate((list) => list.parentElement.scrollTo(0, 500));
    await page.waitForFunction(() => document.querySelector("#results").parentElement.scrollTop > 300);
  };
  await scroll();
  // The same search again, as when pictures are added, stays where it is.
  await page.locator("#results > li").first().evaluate(() => undefined);
  assert.ok((await top()) > 300);
  await find(page, "house");
  await settled(page, answers);
  await page.waitForFunction(() => document.querySelector("#results").parentElement.scrollTop === 0);
  await scroll();
  await draw(page, "#paper", DRAWINGS.house.slice(0, 2));
  await settled(page, answers);
  await page.waitForFunction(() => document.querySelector("#results").parentElement.scrollTop === 0);
  await close();
});

test("the progress of a generation is in sight from every view, and leads to it", async () => {
  const { page, faults, close } = await open("/");
  await page.locator("#paper").waitFor();
  await draw(page, "#paper", DRAWINGS.apple);
  await page.getByRole("tab", { name: /Generate/ }).click();
  await page.getByLabel("Prompt").fill("a red apple");
  await page.getByLabel("Pictures", { exact: true }).selectOption("8");
  const bar = page.getByRole("progressbar", { name: "Progress of the generations" });
  // The job waits, or it may end before all views were seen.
  await call("/api/admin/queues/interactive/pause", { method: "POST" });
  try {
    await page.getByRole("button", { name: /^Generate 8 pictures/ }).click();
    await page.locator("article[data-job]").first().waitFor();
    for (const view of ["Admin", "History", "Studio"]) {
      await page.getByRole("link", { name: view, exact: true }).click();
      await bar.waitFor();
      const { y } = await bar.boundingBox();
      assert.ok(y < 60, `${view}: at ${y}`);
    }
    await page.getByRole("link", { name: "Admin" }).click();
    await keep(page, "progress-light");
  } finally {
    await call("/api/admin/queues/interactive/resume", { method: "POST" });
  }
  // It moves, unless all pictures are painted between two looks.
  await page.waitForFunction(() => {
    const moved = Number(document.querySelector('header [role="progressbar"]')?.getAttribute("aria-valuenow"));
    return moved > 0 || document.querySelector("header").innerText.includes("Pictures ready");
  }, undefined, { timeout: 600_000 });
  await page.getByRole("button", { name: "Pictures ready" }).waitFor({ timeout: 600_000 });
  assert.equal(await bar.count(), 0);
  await page.getByRole("button", { name: "Pictures ready" }).click();
  await page.locator('article[data-state="succeeded"]').first().getByRole("img", { name: "Result 8" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Pictures ready" }).count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test("axe finds nothing serious on any view, light and dark, on a desktop and a phone", async () => {
  for (const [size, options] of [["desktop", {}], ["phone", PHONE]]) {
    const { page, faults, close } = await open("/", { ...options, reducedMotion: "reduce" });
    await page.locator("#paper").waitFor();
    await draw(page, "#paper", DRAWINGS.apple);
    const answers = searches(page);
    const panels = page.getByRole("navigation", { name: "Panels" });
    const show = (panel) => (size === "phone" ? panels.getByRole("button", { name: panel }).tap() : Promise.resolve());
    await show("Find");
    await find(page, "apple");
    await settled(page, answers);
    const both = async (name) => {
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        // Until the other colours are painted.
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        await checkAccessible(page, `${name}, ${size}, ${colorScheme}`);
        await keep(page, `axe-${name}-${size}-${colorScheme}`);
      }
    };
    await both("find");
    await page.getByRole("button", { name: /^Details of/ }).first().click();
    await page.getByRole("dialog").getByText("Why it was found").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Style reference" }).click();
    await both("details");
    await page.keyboard.press("Escape");
    await show("Draw");
    await both("draw");
    if (size === "phone") {
      await show("References");
      await both("references");
      await show("Generate");
    } else await page.getByRole("tab", { name: /Generate/ }).click();
    await page.getByLabel("Prompt").fill("a red apple");
    await page.getByRole("button", { name: "Subject first" }).click();
    await both("generate");
    await page.getByRole("button", { name: "Compare variations" }).click();
    await page.getByText("Free").waitFor();
    await both("bench");
    for (const view of ["History", "Admin"]) {
      await page.getByRole("link", { name: view }).click();
      await page.getByRole("heading", { level: 1, name: view }).waitFor();
      await page.waitForFunction(() => document.querySelector('[aria-label="Loading"]') === null);
      await both(view.toLowerCase());
    }
    for (const name of ["Add pictures", ...(size === "phone" ? [] : ["Keyboard shortcuts"])]) {
      await page.getByRole("button", { name, exact: true }).click();
      await page.getByRole("dialog").waitFor();
      await both(name.toLowerCase().replace(" ", "-"));
      await page.keyboard.press("Escape");
    }
    assert.deepEqual(faults, []);
    await close();
  }
});
