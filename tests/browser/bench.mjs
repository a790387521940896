// Presets of the form, and the bench: references x weights x seeds, priced, painted side by side,
// and one of them picked.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, checkWidth, keep, open, searches, settled } from "./harness.mjs";

const find = (page, words) => page.getByLabel("Words", { exact: true }).fill(words);
const weightsOf = (body) => body.refs.map(({ weight }) => weight);

/** Adds the first results of these words to the references. */
async function refer(page, answers, ...words) {
  for (const word of words) {
    await find(page, word);
    await settled(page, answers);
    await page.locator("#results > li").first().hover();
    await page.locator("#results > li").first().getByRole("button", { name: /as a reference/ }).click();
  }
}

test("presets weigh the references, and say what they lack", async () => {
  const { page, faults, close } = await open("/");
  await page.locator("#paper").waitFor();
  const answers = searches(page);
  await refer(page, answers, "apple", "moon");
  const references = page.getByRole("list", { name: "References in use" }).locator("li");
  await references.nth(0).getByRole("radio", { name: "Subject" }).click();
  await page.getByRole("tab", { name: /Generate/ }).click();
  await page.getByLabel("Pictures", { exact: true }).selectOption("1");
  const presets = page.getByRole("group", { name: "Preset" });
  const priced = (preset) => {
    const asking = page.waitForRequest((request) => request.url().endsWith("/api/images/estimate"));
    return presets.getByRole("button", { name: preset }).click().then(() => asking).then((request) => request.postDataJSON());
  };
  assert.deepEqual(weightsOf(await priced("Style first")), [0.21, 0.7]);
  await presets.getByText("Weights are sent × 1 for styles, × 0.3 for subjects.").waitFor();
  assert.deepEqual(weightsOf(await priced("Subject first")), [0.7, 0.28]);
  await keep(page, "presets-light");
  const sending = page.waitForRequest((request) => request.url().endsWith("/api/images/generate"));
  await page.getByRole("button", { name: "Generate 1 picture" }).click();
  assert.deepEqual(weightsOf((await sending).postDataJSON()), [0.7, 0.28]);
  await page.locator('article[data-job][data-state="succeeded"]').first().waitFor({ timeout: 600_000 });

  // An edit needs a mask, and a start needs a picture; then they are sent.
  const form = page.getByRole("form", { name: "Generation settings" });
  await presets.getByRole("button", { name: "Tight edit" }).click();
  await form.getByText("A tight edit needs a base with a painted mask").waitFor();
  assert.ok(await page.getByRole("button", { name: "Generate 1 picture" }).isDisabled());
  await presets.getByRole("button", { name: "From a picture" }).click();
  await form.getByText("This preset starts from a picture").waitFor();
  await page.locator("article[data-job]").first().getByRole("button", { name: "Open picture 1" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Use as base" }).click();
  await page.getByRole("img", { name: /on a picture/ }).waitFor();
  await form.getByText("Free").waitFor();
  assert.ok(await page.getByRole("button", { name: "Generate 1 picture" }).isEnabled());
  assert.deepEqual(faults, []);
  await close();
});

test("a grid of weights and seeds is priced, painted side by side with receipts, and one is picked", async () => {
  const { page, faults, close } = await open("/");
  await page.locator("#paper").waitFor();
  const answers = searches(page);
  await refer(page, answers, "apple", "moon");
  await page.getByRole("tab", { name: /Generate/ }).click();
  await page.getByLabel("Prompt").fill("a red apple");
  // A typed seed is locked: it is the first one, whatever the others are.
  const seed = page.getByLabel("Seed", { exact: true });
  const lock = page.getByRole("button", { name: "Keep the seed" });
  assert.equal(await lock.getAttribute("aria-pressed"), "false");
  await seed.fill("7");
  assert.equal(await lock.getAttribute("aria-pressed"), "true");
  await page.getByRole("button", { name: "Compare variations" }).click();
  const form = page.getByRole("form", { name: "What is varied" });
  await form.getByRole("button", { name: "Generate 2 pictures" }).waitFor();
  await form.getByRole("button", { name: "New seeds, except for the form’s" }).click();

  // Three sets at two weights with two seeds, and one without references.
  for (const name of ["Each alone", "Without", "25%", "100%", "As set"]) await form.getByRole("button", { name, exact: true }).click();
  await form.getByRole("button", { name: "Generate 14 pictures" }).waitFor();
  await page.locator("#bench-price").getByText("Free").waitFor();
  await form.getByText("How each combination will be treated").click();
  assert.equal(await form.locator("details li").count(), 7);
  await keep(page, "bench-planned-light");
  for (const name of ["Each alone", "Without"]) await form.getByRole("button", { name, exact: true }).click();
  await form.getByRole("button", { name: "Generate 4 pictures" }).waitFor();
  await page.locator("#bench-price").getByText("Free").waitFor();

  const sent = [];
  page.on("request", (request) => request.url().endsWith("/api/images/generate") && sent.push(request.postDataJSON()));
  await form.getByRole("button", { name: "Generate 4 pictures" }).click();
  const grid = page.locator("#variations");
  await page.waitForFunction(() => document.querySelectorAll("#variations [data-job]").length === 4);
  assert.deepEqual(sent.map((body) => [weightsOf(body).join(), body.count]), [["0.25,0.25", 1], ["0.25,0.25", 1], ["1,1", 1], ["1,1", 1]]);
  assert.deepEqual([sent[0].seed, sent[2].seed], [7, 7]);
  assert.equal(sent[1].seed, sent[3].seed);
  assert.notEqual(sent[0].seed, sent[1].seed);

  // A reload in the middle loses nothing.
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll('#variations [data-state="succeeded"] img').length === 4, undefined, { timeout: 600_000 });
  await page.getByText("4 of 4 done").waitFor();
  const pictures = await page.locator("#variations [data-job] img").evaluateAll((all) => all.map((image) => image.src));
  assert.equal(new Set(pictures).size, 4);
  await page.waitForFunction(() => [...document.querySelectorAll("#variations [data-job] img")].every((image) => image.naturalWidth > 0));
  await keep(page, "bench-light");
  await page.emulateMedia({ colorScheme: "dark" });
  await keep(page, "bench-dark");
  await page.emulateMedia({ colorScheme: "light" });
  const last = grid.locator("tbody tr").nth(1).locator("td").nth(1);
  await last.locator("summary").click();
  await last.getByText(/^Receipt · local/).waitFor();
  const job = await call(`/api/jobs/${await last.locator("[data-job]").getAttribute("data-job")}`);
  assert.equal(await last.locator("li").count(), job.receipt.lines.length);
  await last.getByRole("button", { name: /^Open the picture/ }).click();
  await page.getByRole("dialog").getByText(/Receipt/).waitFor();
  await page.keyboard.press("Escape");

  // Picked: the form and the references are as they were for this picture.
  await last.getByRole("button", { name: /^Go on with/ }).click();
  assert.equal(await seed.inputValue(), String(sent[3].seed));
  assert.equal(await lock.getAttribute("aria-pressed"), "true");
  assert.equal(await page.getByLabel("Prompt").inputValue(), "a red apple");
  const thumbs = page.getByRole("list", { name: "References in use" }).getByRole("slider");
  assert.deepEqual(await thumbs.evaluateAll((all) => all.map((thumb) => Number(thumb.getAttribute("aria-valuenow")))), [1, 1]);

  // Without the lock, all seeds of the bench are new ones.
  await lock.click();
  assert.equal(await seed.inputValue(), "");
  assert.equal(await lock.getAttribute("aria-pressed"), "false");
  await page.getByRole("button", { name: "Compare variations" }).click();
  await form.getByRole("button", { name: "New seeds", exact: true }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("the bench on a phone, and a combination that the provider refuses", async () => {
  const { page, faults, close } = await open("/", { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true });
  await page.locator("#paper").waitFor();
  await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: /Generate/ }).tap();
  await page.getByRole("button", { name: "Compare variations" }).tap();
  await page.getByText("Write a prompt, draw, or add a reference first").waitFor();
  await page.getByRole("button", { name: "Back to the form" }).tap();
  // Nothing in the gallery is close to these words, and there is nothing else to paint.
  await page.getByLabel("Prompt").fill("xyzzyqwert plugh");
  await page.getByRole("button", { name: "Compare variations" }).tap();
  await page.locator("#bench-price").getByText("1 combination refused, see below").waitFor();
  assert.ok(await page.getByRole("button", { name: /^Generate/ }).isDisabled());
  await keep(page, "bench-refused-phone-dark");
  await page.getByRole("button", { name: "Back to the form" }).tap();
  await page.getByLabel("Prompt").fill("a red sunset");
  await page.getByRole("button", { name: "Compare variations" }).tap();
  await page.getByRole("button", { name: "Generate 2 pictures" }).tap();
  await page.waitForFunction(() => document.querySelectorAll('#variations [data-state="succeeded"] img').length === 2, undefined, { timeout: 600_000 });
  await page.locator("#variations").scrollIntoViewIfNeeded();
  await checkWidth(page.getByRole("region", { name: "Variations" }));
  await keep(page, "bench-phone-dark");
  assert.deepEqual(faults.filter((fault) => !/status of 422/.test(fault)), []);
  await close();
});
