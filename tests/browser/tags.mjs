// Tags are proposed for untagged pictures, and accepted and rejected many at once.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { call, checkAccessible, data, keep, open, until } from "./harness.mjs";

const FIRST = 7_000_000;
const COPIES = 60;

/** Adds copies of pictures of the gallery, without their tags. Returns the true tags by id. */
async function addUntagged() {
  const lines = readFileSync(join(data, "demo/manifest.jsonl"), "utf8").split("\n").filter(Boolean);
  const step = Math.floor(lines.length / COPIES);
  const rows = Array.from({ length: COPIES }, (_, index) => JSON.parse(lines[index * step]));
  const untagged = rows.map((row, index) => JSON.stringify({ ...row, id: FIRST + index, tags_all: [], matched_tags: [], style: null }));
  writeFileSync(join(data, "demo/untagged.jsonl"), `${untagged.join("\n")}\n`);
  const { id } = await call("/api/admin/ingest", { method: "POST", body: { manifest: "demo/untagged.jsonl" } });
  const job = await until("the ingest", async () => {
    const found = await call(`/api/jobs/${id}`);
    return ["succeeded", "failed"].includes(found.state) && found;
  });
  assert.equal(job.state, "succeeded", JSON.stringify(job));
  return new Map(rows.map((row, index) => [FIRST + index, row.tags_all]));
}

async function tagsOf(id) {
  const { pictures } = await call(`/api/pictures?ids=${id}`);
  return pictures[0].payload.tags_all;
}

/** The pictures that a tag is proposed for. */
async function proposedFor(tag) {
  const { groups } = await call(`/api/tags/proposed?limit=200&tag=${encodeURIComponent(tag)}`);
  return groups[0].pictures.map(({ id }) => id);
}

test("tags are proposed, and accepted and rejected many at once", async () => {
  const truth = await addUntagged();
  const { page, faults, close } = await open("/#/admin");
  await page.getByLabel("Probability").selectOption({ label: "at least 50%" });
  await page.getByRole("button", { name: "Propose tags" }).click();
  const job = page.locator('article[data-kind="backfill"]').first();
  await job.getByLabel("Proposed tags").waitFor({ timeout: 600_000 });
  await page.getByRole("button", { name: "Review proposals" }).click();
  await page.locator("article[data-tag] img").first().waitFor();

  // Most proposals of 0.9 and more are right.
  const { groups } = await call("/api/tags/proposed?limit=200&at_least=0.9");
  const stated = groups.flatMap(({ tag, pictures }) => pictures.filter(({ id }) => truth.has(id)).map(({ id }) => truth.get(id).includes(tag)));
  assert.ok(stated.length >= 20, `${stated.length} proposals`);
  assert.ok(stated.filter(Boolean).length >= 0.8 * stated.length, `${stated.filter(Boolean).length} of ${stated.length}`);

  await checkAccessible(page, "the proposed tags");
  await keep(page, "tags-light");

  // Three pictures are selected with two clicks, and accepted.
  const group = page.locator("article[data-tag]").filter({ has: page.locator("li:nth-child(4)") }).first();
  const tag = await group.getAttribute("data-tag");
  const named = page.locator(`article[data-tag="${tag}"]`);
  const picture = (index) => named.locator("li button").nth(index);
  const before = await proposedFor(tag);
  await picture(0).click();
  await picture(2).click({ modifiers: ["Shift"] });
  assert.equal(await named.locator('button[aria-pressed="true"]').count(), 3);
  const idsOf = (buttons) => buttons.evaluateAll((all) => all.map((button) => Number(button.getAttribute("aria-label").match(/\d+/)[0])));
  const ids = await idsOf(named.locator('button[aria-pressed="true"]'));
  await keep(page, "tags-selected-light");
  await named.getByRole("button", { name: "Accept 3" }).click();
  await until("the tags", async () => (await tagsOf(ids[2])).includes(tag));
  for (const id of ids) assert.ok((await tagsOf(id)).includes(tag), `${id} has ${tag}`);
  await until("the group without them", async () => {
    const shown = await idsOf(named.locator("li button"));
    return shown.every((id) => !ids.includes(id));
  });
  const left = await proposedFor(tag);
  assert.equal(left.length, before.length - 3);

  // One is rejected with the keyboard, and the tag is not its tag.
  await picture(0).focus();
  const rejected = Number((await picture(0).getAttribute("aria-label")).match(/\d+/)[0]);
  await page.keyboard.press("Space");
  await page.keyboard.press("r");
  await until("the rejection", async () => !(await proposedFor(tag)).includes(rejected));
  assert.ok(!(await tagsOf(rejected)).includes(tag));

  // On a phone, and in the dark: it speaks of taps and not of keys, and no name is cut.
  const phone = await open("/#/admin", { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true });
  await phone.page.getByRole("button", { name: "Review proposals" }).tap();
  await phone.page.locator("article[data-tag] img").first().waitFor();
  await phone.page.getByText("Tap pictures to select them").waitFor();
  assert.equal(await phone.page.locator("kbd").first().isVisible(), false);
  const cut = await phone.page.locator("article[data-tag] h3").evaluateAll((names) => names.filter((name) => name.scrollWidth > name.clientWidth).map((name) => name.textContent));
  assert.deepEqual(cut, []);
  const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${wide} pixels wide`);
  await keep(phone.page, "tags-phone-dark");
  await checkAccessible(phone.page, "the proposed tags on a phone");
  assert.deepEqual(phone.faults, []);
  await phone.close();
  await page.getByRole("button", { name: "Back" }).click();
  await page.getByRole("button", { name: "Review proposals" }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});
