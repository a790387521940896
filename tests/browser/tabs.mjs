// Several tabs, several jobs, and the comparison of a picture with its sketch.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, draw, DRAWINGS, isStored, keep, open } from "./harness.mjs";

const strokes = (page, count) => page.getByRole("img", { name: new RegExp(`Sketch pad with ${count} stroke`) }).waitFor();
const references = (page) => page.getByRole("list", { name: "References in use" }).locator("li");
const named = (page) => page.getByLabel("Name of the drawing").inputValue();

async function addReference(page, place) {
  await page.locator("#results > li").nth(place).hover();
  await page.locator("#results > li").nth(place).getByRole("button", { name: /as a reference/ }).click();
}

test("each tab has its own drawing, references, words and undo steps; drawings are stored by name", async () => {
  const { page: first, tab, faults, close } = await open("/");
  await strokes(first, 0);
  await draw(first, "#paper", DRAWINGS.apple);
  await strokes(first, 3);
  await first.locator("#results > li").first().waitFor();
  await addReference(first, 0);
  await addReference(first, 1);
  await first.getByLabel("Name of the drawing").fill("The apple");
  await first.getByLabel("Name of the drawing").press("Enter");
  await first.getByLabel("Words", { exact: true }).fill("fruit");

  // A second tab begins with an empty drawing, and shares nothing with the first.
  const second = await tab();
  await strokes(second, 0);
  await draw(second, "#paper", DRAWINGS.house);
  await strokes(second, 4);
  await second.getByLabel("Words", { exact: true }).fill("cottage");
  await second.locator("#results > li").first().waitFor();
  await addReference(second, 2);
  assert.equal(await references(second).count(), 1);

  await first.reload();
  await strokes(first, 3);
  await references(first).nth(1).waitFor();
  assert.equal(await first.getByLabel("Words", { exact: true }).inputValue(), "fruit");
  await first.getByRole("button", { name: "Undo" }).click();
  await strokes(first, 2);
  await first.getByRole("button", { name: "Redo" }).click();
  await strokes(first, 3);
  await references(first).first().getByRole("button", { name: /^Remove/ }).click();
  await second.reload();
  await strokes(second, 4);
  assert.equal(await second.getByLabel("Words", { exact: true }).inputValue(), "cottage");
  assert.deepEqual([await references(first).count(), await references(second).count()], [1, 1]);

  // A drawing that is open in another tab is opened as a separate copy.
  await second.getByRole("button", { name: "Your drawings" }).click();
  await second.getByRole("list", { name: "Drawings" }).locator("canvas").nth(1).waitFor();
  await keep(second, "drawings-light");
  await second.getByRole("button", { name: "Open The apple" }).click();
  await second.getByText("open in another tab").waitFor();
  assert.equal(await named(second), "The apple (copy)");
  await draw(second, "#paper", DRAWINGS.house.slice(0, 2));
  await strokes(second, 5);

  // A duplicated tab starts with a copy of the first tab's drawing.
  const copied = await first.evaluate(() => Object.entries(sessionStorage));
  const third = await tab();
  await third.evaluate((entries) => entries.forEach(([name, value]) => sessionStorage.setItem(name, value)), copied);
  await third.reload();
  await strokes(third, 3);
  await draw(third, "#paper", DRAWINGS.house.slice(0, 1));
  await strokes(third, 4);
  for (const [page, count] of [[first, 3], [second, 5], [third, 4]]) {
    await page.reload();
    await strokes(page, count);
  }

  // The second tab opens its house again, with all undo steps.
  await second.getByRole("button", { name: "Your drawings" }).click();
  const house = second.getByRole("list", { name: "Drawings" }).locator("li").filter({ hasText: "4 strokes" }).filter({ hasNotText: "copy" });
  await house.getByRole("button", { name: /^Open/ }).click();
  await strokes(second, 4);
  await second.getByRole("button", { name: "Undo" }).click();
  await strokes(second, 3);

  // After all tabs are closed, the next one opens the latest drawing.
  const witness = await tab("/plain");
  await isStored(second, 3);
  for (const page of [first, second, third]) await page.close();
  await witness.waitForFunction(async () => (await navigator.locks.query()).held.length === 0);
  const next = await tab();
  await strokes(next, 3);

  // A tab does not overwrite a drawing that something else changed meanwhile.
  const id = await next.evaluate(async () => {
    const opening = indexedDB.open("clippy");
    const database = await new Promise((resolve) => (opening.onsuccess = () => resolve(opening.result)));
    const id = sessionStorage.getItem("clippy.document");
    const transaction = database.transaction("shelf", "readwrite");
    const got = transaction.objectStore("shelf").get(id);
    got.onsuccess = () => transaction.objectStore("shelf").put({ ...got.result, name: "Somebody else's", revision: "another" });
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
    return id;
  });
  await draw(next, "#paper", DRAWINGS.house.slice(0, 1));
  await next.getByText("changed in another tab").waitFor();
  assert.notEqual(await next.evaluate(() => sessionStorage.getItem("clippy.document")), id);
  await isStored(next, 4);
  await next.reload();
  await strokes(next, 4);
  await next.getByRole("button", { name: "Your drawings" }).click();
  await next.getByRole("button", { name: "Open Somebody else's" }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("eight unfinished jobs use one connection, the page still answers, and a picture is compared with its sketch", async () => {
  const { page, requests, faults, close } = await open("/");
  await strokes(page, 0);
  await draw(page, "#paper", DRAWINGS.apple);
  await strokes(page, 3);
  await page.locator("#results > li").first().waitFor();
  await addReference(page, 0);
  await page.getByRole("tab", { name: /Generate/ }).click();
  await page.getByLabel("Pictures", { exact: true }).selectOption("1");
  assert.match(await page.locator("#provider-note").innerText(), /Provider: local/);
  await call("/api/admin/queues/interactive/pause", { method: "POST" });
  try {
    const sent = [];
    for (let count = 1; count <= 8; count += 1) {
      const asking = page.waitForResponse((response) => response.url().endsWith("/api/images/generate"));
      await page.getByRole("button", { name: /^Generate 1 picture/ }).click();
      const answer = await asking;
      sent.push({ id: (await answer.json()).id, sketch: answer.request().postDataJSON().sketch });
      await page.locator(`article[data-job="${sent.at(-1).id}"]`).waitFor();
    }
    const asked = Date.now();
    await page.getByRole("tab", { name: /Find/ }).click();
    const searched = page.waitForResponse((response) => response.url().endsWith("/api/search/hybrid") && response.ok());
    await page.getByLabel("Words", { exact: true }).fill("cat");
    await searched;
    await page.waitForFunction(() => [...document.querySelectorAll("#results img")].slice(0, 4).every((image) => image.naturalWidth > 0));
    assert.ok(Date.now() - asked < 30_000, `the page answered after ${Date.now() - asked} ms`);
    // Each new job replaces the stream by one that also follows the new job.
    const streams = requests.filter((request) => request.url().includes("/events"));
    assert.ok(streams.every((request) => request.url().includes("/api/jobs/events?ids=")), streams.map((request) => request.url()).join("\n"));
    const lasting = await Promise.all(streams.map(async (request) => request.failure() === null));
    assert.equal(lasting.filter(Boolean).length, 1);

    // After a reload one stream is open again, and follows a job to its end.
    await page.reload();
    await page.getByRole("tab", { name: /Generate/ }).click();
    const [{ id, sketch }, ...others] = sent;
    for (const other of others) await call(`/api/jobs/${other.id}/cancel`, { method: "POST" });
    await call("/api/admin/queues/interactive/resume", { method: "POST" });
    for (const other of others) await page.locator(`article[data-job="${other.id}"][data-state="cancelled"]`).waitFor();
    await page.locator(`article[data-job="${id}"][data-state="succeeded"]`).waitFor({ timeout: 600_000 });

    // The comparison shows the sketch that was sent, not what the pad shows now.
    await page.getByRole("button", { name: "New drawing" }).click();
    await strokes(page, 0);
    await draw(page, "#paper", DRAWINGS.house);
    await strokes(page, 4);
    await page.getByRole("link", { name: "History" }).click();
    await page.getByRole("radio", { name: "Jobs" }).click();
    await page.locator(`article[data-job="${id}"]`).getByRole("button", { name: "Open picture 1", exact: true }).click();
    await page.getByRole("dialog").getByRole("radio", { name: "Compare with the sketch" }).click();
    assert.equal(await page.getByRole("img", { name: "The drawing" }).getAttribute("src"), sketch);
    await keep(page, "compare-history-light");

    // Another browser does not have the sketch. It says so, and does not show its own drawing.
    const elsewhere = await open("/");
    await strokes(elsewhere.page, 0);
    await draw(elsewhere.page, "#paper", DRAWINGS.house);
    await elsewhere.page.getByRole("link", { name: "History" }).click();
    await elsewhere.page.getByRole("radio", { name: "Jobs" }).click();
    await elsewhere.page.locator(`article[data-job="${id}"]`).getByRole("button", { name: "Open picture 1", exact: true }).click();
    await elsewhere.page.getByText("is not kept in this browser").waitFor();
    assert.equal(await elsewhere.page.getByRole("dialog").getByRole("radio", { name: /Compare/ }).count(), 0);
    await elsewhere.close();
  } finally {
    await call("/api/admin/queues/interactive/resume", { method: "POST" });
  }
  assert.deepEqual(faults.filter((fault) => !/ERR_ABORTED/.test(fault)), []);
  await close();
});

test("a job that did not honour something does not just say 'succeeded': it lists what and why", async () => {
  const { page, faults, close } = await open("/");
  await strokes(page, 0);
  await draw(page, "#paper", DRAWINGS.apple);
  await page.getByRole("tab", { name: /Generate/ }).click();
  await page.getByLabel("Pictures", { exact: true }).selectOption("1");
  await page.getByLabel("Prompt").fill("a red apple on a wooden table");
  await page.getByRole("button", { name: /^Generate 1 picture/ }).click();
  const job = page.locator("article[data-job]").first();
  await page.locator('article[data-job][data-state="succeeded"]').first().waitFor({ timeout: 600_000 });
  const lines = await call(`/api/jobs/${await job.getAttribute("data-job")}`);
  const missing = lines.receipt.lines.filter(({ treatment }) => treatment !== "honoured");
  assert.ok(missing.length > 0, JSON.stringify(lines.receipt));
  const list = job.getByRole("list", { name: "Not honoured" });
  await list.waitFor();
  assert.equal(await list.locator("li").count(), missing.length);
  for (const { reason } of missing) assert.ok((await list.innerText()).includes(reason), reason);
  assert.doesNotMatch(await job.innerText(), /succeeded/i);
  await job.scrollIntoViewIfNeeded();
  await keep(page, "receipt-light");
  assert.deepEqual(faults, []);
  await close();
});
