// The client, used as an artist uses it.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { checkAccessible, checkWidth, data, draw, DRAWINGS, keep, open, searches, settled, stored, until } from "./harness.mjs";

const PAPER = "#paper";
const MANIFEST = "demo/manifest.jsonl";

async function waitForPictures(page) {
  await page.waitForFunction(() => {
    const seen = [...document.querySelectorAll("#results img")].filter((image) => image.getBoundingClientRect().top < window.innerHeight);
    return seen.length >= 4 && seen.every((image) => image.naturalWidth > 0);
  });
}

test("draw an apple, see apples; weights, a style filter, references; generate, reload, cancel, use as base", async () => {
  const { page, faults, close } = await open("/");
  const answers = searches(page);

  // Draw.
  await page.locator(PAPER).waitFor();
  await keep(page, "studio-empty-light");
  await checkAccessible(page, "the empty studio");
  await draw(page, PAPER, DRAWINGS.apple);
  const apples = (await settled(page, answers)).results.slice(0, 10);
  const styles = new Set(apples.filter((hit) => hit.payload.subject === "apple").map((hit) => hit.payload.style));
  assert.ok(styles.size >= 3, `apple in ${[...styles]}; found ${apples.map((hit) => hit.payload.subject)}`);
  await waitForPictures(page);

  // Weights, by a preset and by a slider.
  await page.getByRole("radio", { name: "Shape" }).click();
  const shaped = await settled(page, answers);
  assert.ok(shaped.weights.edge > shaped.weights.image, JSON.stringify(shaped.weights));
  await page.getByRole("button", { name: "Search settings" }).click();
  await page.getByRole("slider", { name: "Weight of look" }).press("Home");
  const unlooked = await settled(page, answers);
  assert.equal(unlooked.weights.image, 0);
  await page.getByRole("slider", { name: "Minimum percentile" }).press("End");
  const best = await settled(page, answers);
  assert.ok(best.results.length > 0 && best.results.every((hit) => hit.percentile >= 0.99), JSON.stringify(best.results.map((hit) => hit.percentile)));
  await page.getByRole("slider", { name: "Minimum percentile" }).press("Home");
  await settled(page, answers);
  await keep(page, "studio-tuning-light");
  await page.keyboard.press("Escape");
  await page.getByRole("radio", { name: "Balanced" }).click();

  // A style filter, and a tag chosen from the suggestions.
  await page.getByRole("button", { name: "line art", exact: true }).click();
  const lines = await settled(page, answers);
  assert.ok(lines.results.length > 0 && lines.results.every((hit) => hit.payload.style === "line_art"));
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByRole("combobox", { name: "Filter by tag" }).fill("frui");
  await page.getByRole("option", { name: /fruit/ }).first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.getByRole("option", { name: /fruit/, selected: true }).waitFor();
  await page.keyboard.press("Enter");
  const fruits = await settled(page, answers);
  assert.ok(fruits.results.every((hit) => hit.payload.tags_all.includes("fruit")));
  await page.getByRole("button", { name: /Remove the filter fruit/ }).click();
  await settled(page, answers);

  // Pictures similar to one of the results, which is itself excluded.
  await page.locator("#results > li").first().hover();
  await page.getByRole("button", { name: /^More like/ }).first().click();
  await page.getByRole("button", { name: "Same subject" }).click();
  const alike = await settled(page, answers);
  assert.ok(alike.results.length > 0 && alike.results.every((hit) => hit.id !== apples[0].id));
  await page.getByRole("button", { name: /from similar pictures$/ }).click();
  await settled(page, answers);

  // Scrolling loads more results.
  const before = await page.locator("#results > li").count();
  await page.locator("#results > li").last().scrollIntoViewIfNeeded();
  await page.waitForFunction((count) => document.querySelectorAll("#results > li").length > count, before);
  await page.locator("#results > li").first().scrollIntoViewIfNeeded();

  // Details, and a save that is sent as feedback.
  await page.getByRole("button", { name: /^Details of/ }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Why it was found").waitFor();
  await dialog.getByText("Apache-2.0").waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('[role="dialog"] img')].every((image) => image.complete && image.naturalWidth > 0));
  await keep(page, "details-light");
  await checkAccessible(page, "the details");
  const learned = page.waitForResponse((response) => response.url().endsWith("/api/feedback") && (response.request().postData() ?? "").includes('"save"'));
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  assert.equal((await learned).status(), 200);
  await dialog.getByRole("button", { name: "Close" }).click();

  // References that the server chooses, with roles. Then two that the artist chooses: one by
  // dragging, one by its button.
  await page.getByRole("button", { name: "Suggest references" }).click();
  const references = page.getByRole("list", { name: "References in use" }).locator("li");
  await page.getByRole("region", { name: "References", exact: true }).getByText(/^[2-9] of/).waitFor();
  assert.equal(await references.getByRole("radio", { name: "Subject", checked: true }).count(), 1);
  await page.getByRole("button", { name: "Remove all references" }).click();
  await page.locator("#results > li").nth(0).dragTo(page.getByRole("region", { name: "References", exact: true }));
  await page.getByRole("list", { name: "References in use" }).locator("li").first().waitFor();
  await page.locator("#results > li").nth(3).hover();
  await page.locator("#results > li").nth(3).getByRole("button", { name: /as a reference/ }).click();
  assert.equal(await references.count(), 2);
  await references.nth(1).getByRole("radio", { name: "Subject" }).click();
  await references.nth(0).getByText("Honoured").waitFor();
  await keep(page, "studio-light");
  await checkAccessible(page, "the studio with results");

  // Generate, and watch the progress.
  await page.getByRole("tab", { name: /Generate/ }).click();
  await page.getByLabel("Prompt").fill("a red apple");
  await page.getByRole("button", { name: "pixel art", exact: true }).click();
  await page.getByLabel("Pictures", { exact: true }).selectOption("8");
  await page.getByRole("form", { name: "Generation settings" }).getByText(/\d honoured|be honoured/).first().waitFor();
  await page.getByRole("button", { name: /^Generate 8 pictures/ }).click();
  const job = page.locator('article[data-job]').first();
  await job.getByRole("img", { name: "Preview 1" }).waitFor();
  const id = await job.getAttribute("data-job");
  const bar = page.locator(`article[data-job="${id}"] [role="progressbar"]`);
  const far = Number(await bar.getAttribute("aria-valuenow"));

  // A reload during the job: the drawing, the references and the job are still there, and the
  // job continues.
  await page.reload();
  assert.equal(await page.locator(`article[data-job="${id}"]`).getAttribute("data-state"), "running");
  await page.getByRole("img", { name: /Sketch pad with 3 strokes/ }).waitFor();
  await references.nth(1).waitFor();
  assert.equal(await references.count(), 2);
  await page.waitForFunction(([job, least]) => Number(document.querySelector(`article[data-job="${job}"] [role="progressbar"]`)?.getAttribute("aria-valuenow")) > least, [id, far]);
  await page.locator(`article[data-job="${id}"]`).getByRole("img", { name: /Preview/ }).first().waitFor();
  await page.getByText("Recent generations").scrollIntoViewIfNeeded();
  await keep(page, "generating-light");

  // Another job, long enough to be cancelled before it ends.
  await page.getByLabel("Pictures", { exact: true }).selectOption("8");
  await page.getByRole("button", { name: /^Generate 8 pictures/ }).click();
  const second = page.locator("article[data-job]").first();
  await page.waitForFunction((first) => document.querySelector("article[data-job]")?.getAttribute("data-job") !== first, id);
  await second.getByRole("button", { name: "Cancel" }).click();
  await page.waitForFunction(() => document.querySelector("article[data-job]")?.getAttribute("data-state") === "cancelled");

  // The first job finishes with all of its pictures.
  const first = page.locator(`article[data-job="${id}"][data-state="succeeded"]`);
  await first.waitFor({ timeout: 600_000 });
  await first.getByRole("img", { name: "Result 8" }).waitFor();
  await page.waitForFunction((job) => [...document.querySelectorAll(`article[data-job="${job}"] img`)].every((image) => image.naturalWidth > 0), id);
  await keep(page, "generated-light");
  await checkAccessible(page, "generating");

  // A result in full size: its receipt, the comparison, and "Use as base".
  await first.getByRole("button", { name: "Open picture 1", exact: true }).click();
  await dialog.getByText(/Receipt/).waitFor();
  await dialog.getByRole("radio", { name: /Compare/ }).click();
  const slider = dialog.getByRole("slider");
  await slider.press("ArrowLeft");
  assert.equal(await slider.inputValue(), "49");
  await keep(page, "compare-light");
  await checkAccessible(page, "a result");
  await dialog.getByRole("button", { name: "Use as base" }).click();
  await page.getByRole("img", { name: /Sketch pad with 3 strokes on a picture/ }).waitFor();

  // A mask over the base: only the masked area is changed.
  await page.getByRole("radio", { name: "Mask" }).click();
  await draw(page, PAPER, [[[0.3, 0.3], [0.7, 0.3]], [[0.3, 0.4], [0.7, 0.4]]]);
  await page.getByLabel("Change only the masked area").waitFor();
  await keep(page, "mask-light");
  const masked = page.waitForRequest((request) => request.url().endsWith("/api/images/generate"));
  await page.getByLabel("Pictures", { exact: true }).selectOption("1");
  await page.getByRole("button", { name: /^Generate 1 picture/ }).click();
  const sent = (await masked).postDataJSON();
  assert.ok(sent.mask.startsWith("data:image/png") && sent.base.startsWith("data:image/"), Object.keys(sent).join());
  await page.waitForFunction(() => document.querySelector("article[data-job]")?.getAttribute("data-state") === "succeeded");

  // The history lists all jobs, and a retry completes the cancelled one.
  await page.getByRole("link", { name: "History" }).click();
  await page.getByRole("radio", { name: "Jobs" }).click();
  await page.locator('article[data-state="cancelled"]').waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll("article img")].filter((image) => image.naturalWidth > 0).length >= 7);
  await keep(page, "history-jobs-light");
  await checkAccessible(page, "the jobs of the history");
  const stopped = await page.locator('article[data-state="cancelled"]').first().getAttribute("data-job");
  await page.locator(`article[data-job="${stopped}"]`).getByRole("button", { name: "Retry" }).click();
  await page.locator(`article[data-job="${stopped}"][data-state="succeeded"]`).waitFor({ timeout: 600_000 });
  assert.deepEqual(faults, []);
  await close();
});

test("the pad: keys, undo and redo, eraser, clearing, touch, a dropped file, a sharp canvas", async () => {
  const { page, faults, close } = await open("/", { deviceScaleFactor: 2 });
  const strokes = (count) => page.getByRole("img", { name: new RegExp(`Sketch pad with ${count} stroke`) }).waitFor();
  await page.locator(PAPER).waitFor();
  await draw(page, PAPER, DRAWINGS.house);
  await strokes(4);
  const { pixels, wide, ink } = await page.evaluate(() => {
    const canvas = document.querySelector("#paper canvas");
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return { pixels: canvas.width, wide: canvas.getBoundingClientRect().width, ink: data.some((value, index) => index % 4 === 3 && value > 0) };
  });
  assert.equal(pixels, Math.round(wide * 2), "the canvas has the screen's resolution");
  assert.ok(ink, "something is drawn");
  await page.keyboard.press("Control+z");
  await strokes(3);
  await page.keyboard.press("Control+Shift+z");
  await strokes(4);
  await page.keyboard.press("e");
  assert.equal(await page.getByRole("button", { name: "Eraser" }).getAttribute("aria-pressed"), "true");
  await draw(page, PAPER, [[[0.2, 0.5], [0.8, 0.5]]]);
  await strokes(5);
  await page.keyboard.press("b");
  await page.keyboard.press("]");
  assert.equal(await page.getByRole("slider", { name: "Brush size" }).getAttribute("aria-valuenow"), "8");
  await page.keyboard.press("Shift+Delete");
  await strokes(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await strokes(5);

  // A pen's pressure is stored.
  await page.evaluate(() => {
    const canvas = document.querySelector("#paper .upper-canvas");
    const box = canvas.getBoundingClientRect();
    const send = (type, x, pressure, target) =>
      target.dispatchEvent(new PointerEvent(type, { bubbles: true, cancelable: true, isPrimary: true, pointerId: 9, pointerType: "pen", pressure, button: type === "pointermove" ? -1 : 0, buttons: 1, clientX: box.x + x, clientY: box.y + 40 }));
    send("pointerdown", 40, 0.1, canvas);
    for (let step = 1; step <= 20; step += 1) send("pointermove", 40 + step * 8, step / 20, document);
    send("pointerup", 200, 0, document);
  });
  await strokes(6);
  await until("the pen's pressure", async () => {
    const last = (await stored(page, "documents"))?.history.strokes.at(-1);
    return last?.pressure === true && last.points.at(-1)[2] > 0.8 && last.points[0][2] < 0.2;
  });

  // A file as the base picture, which is also searched with.
  const answers = searches(page);
  const png = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [300, 200];
    const context = canvas.getContext("2d");
    context.fillStyle = "#c33";
    context.fillRect(60, 40, 180, 120);
    return canvas.toDataURL().split(",")[1];
  });
  await page.getByLabel("Base picture", { exact: true }).setInputFiles({ name: "red.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") });
  await page.getByRole("img", { name: /on a picture/ }).waitFor();
  await settled(page, answers);
  const shape = await page.locator(PAPER).boundingBox();
  assert.ok(Math.abs(shape.width / shape.height - 1.5) < 0.02, "the paper has the picture's shape");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("img", { name: /6 strokes$/ }).waitFor();

  // The same by paste and by drop.
  for (const how of ["paste", "drop"]) {
    await page.evaluate(([how, png]) => {
      const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], "red.png", { type: "image/png" }));
      const event = how === "paste" ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }) : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
      document.querySelector(how === "paste" ? "body" : "#paper").dispatchEvent(event);
    }, [how, png]);
    await page.getByRole("img", { name: /6 strokes on a picture/ }).waitFor();
    await page.getByRole("button", { name: "Remove the base picture" }).click();
    await page.getByRole("img", { name: /6 strokes$/ }).waitFor();
  }
  await page.getByLabel("Base picture", { exact: true }).setInputFiles({ name: "words.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  await page.getByRole("alert").filter({ hasText: "words.png is not a picture" }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("an admin starts a backfill and watches it to its end; lanes are paused and resumed", async () => {
  const { page, faults, close } = await open("/#/admin");
  await page.getByText("pictures").first().waitFor();
  await page.locator('tr[data-lane="bulk"]').getByText("parts of long jobs").waitFor();
  await page.getByRole("button", { name: "Pause bulk" }).click();
  await page.locator('tr[data-lane="bulk"]').getByText("paused").waitFor();

  await page.getByRole("radio", { name: "Backfill" }).click();
  await page.getByLabel("Manifest").fill(MANIFEST);
  await page.getByLabel("Vectors", { exact: true }).selectOption("edge");
  await page.getByLabel("Replace existing vectors").click();
  await page.getByRole("button", { name: "Start backfill" }).click();
  const job = page.locator('article[data-kind="backfill"]').first();
  await job.getByText(/of 8 parts/).waitFor();
  const id = await job.getAttribute("data-job");
  await page.waitForFunction(() => Number(document.querySelector('tr[data-lane="bulk"] td')?.textContent) > 0);
  await page.getByRole("heading", { level: 1, name: "Admin" }).scrollIntoViewIfNeeded();
  await keep(page, "admin-light");
  await checkAccessible(page, "the admin's page");

  await page.getByRole("button", { name: "Resume bulk" }).click();
  // The bar shows values between 0 and 100.
  await page.waitForFunction((id) => {
    const value = Number(document.querySelector(`article[data-job="${id}"] [role="progressbar"]`)?.getAttribute("aria-valuenow"));
    return value > 0 && value < 100;
  }, id);
  await page.locator(`article[data-job="${id}"][data-state="succeeded"]`).waitFor({ timeout: 600_000 });
  assert.match(await job.locator("dl").innerText(), /lines\s+910/);

  // A missing manifest is refused, and the page says why.
  await page.getByLabel("Manifest").fill("none.jsonl");
  await page.getByRole("button", { name: "Start backfill" }).click();
  await page.getByRole("alert").filter({ hasText: "none.jsonl" }).waitFor();

  // The page lists the failed lines with their reasons.
  if (data !== undefined) {
    const broken = JSON.stringify({ id: 77, local_path: "nowhere.png", tags_all: ["apple"] });
    const [good] = readFileSync(join(data, MANIFEST), "utf8").split("\n");
    writeFileSync(join(data, "demo/broken.jsonl"), `${broken}\n`);
    writeFileSync(join(data, "demo/mixed.jsonl"), `${good}\n${broken}\n`);
    await page.getByRole("radio", { name: "Ingest" }).click();
    await page.getByLabel("Manifest").fill("demo/mixed.jsonl");
    await page.getByRole("button", { name: "Start ingest" }).click();
    await page.getByText("1 failed line").click();
    await page.getByRole("cell", { name: /nowhere\.png/ }).waitFor();
    // If every line fails, the job fails and says why.
    await page.getByLabel("Manifest").fill("demo/broken.jsonl");
    await page.getByRole("button", { name: "Start ingest" }).click();
    await page.locator('article[data-kind="ingest"][data-state="failed"]').getByText(/nowhere\.png/).first().waitFor();
  }
  assert.deepEqual(faults.filter((fault) => !/status of 4\d\d/.test(fault)), []);
  await close();
});

test("an admin adds a folder; a folder that the server may not read is refused with advice", async () => {
  const { page, faults, close } = await open("/#/admin");
  const form = page.getByRole("form", { name: "Add a folder" });
  await form.getByLabel("Folder", { exact: true }).fill("/");
  await form.getByRole("button", { name: "Add folder" }).click();
  await form.getByRole("alert").filter({ hasText: "clippy add" }).filter({ hasText: "IMAGES_ROOT" }).waitFor();
  if (data !== undefined) {
    const folder = join(data, "added");
    mkdirSync(join(folder, "foxes"), { recursive: true });
    const [line] = readFileSync(join(data, MANIFEST), "utf8").split("\n");
    copyFileSync(join(data, "demo", JSON.parse(line).local_path), join(folder, "foxes/Zebrawood.png"));
    await form.getByLabel("Folder", { exact: true }).fill("added");
    await form.getByLabel("Names of sub-folders are tags and styles").click();
    await form.getByRole("button", { name: "Add folder" }).click();
    const job = page.locator('article[data-kind="ingest"][data-state="succeeded"]').first();
    const found = job.getByLabel("Files that were found");
    await found.waitFor({ timeout: 240_000 });
    assert.match(await found.innerText(), /files\s+1\s+new\s+1/);
  }
  assert.deepEqual(faults.filter((fault) => !/status of 4\d\d/.test(fault)), []);
  await close();
});

test("pictures are dropped on the page, chosen on a phone, and found by the next search", async () => {
  const { page, faults, close } = await open("/");
  const answers = searches(page);
  const lines = readFileSync(join(data, MANIFEST), "utf8").split("\n");
  const picture = (index) => readFileSync(join(data, "demo", JSON.parse(lines[index]).local_path)).toString("base64");
  await page.getByRole("button", { name: "Add pictures" }).click();
  const dialog = page.getByRole("dialog", { name: "Add pictures" });
  await dialog.getByLabel("Tags for all of them").fill("quokka");
  await checkAccessible(page, "the dialog that adds pictures");
  await dialog.getByRole("group", { name: "Drop pictures here" }).evaluate((zone, files) => {
    const dropped = new DataTransfer();
    for (const [name, content] of files) {
      // A byte after the end makes it another picture than the gallery's.
      const bytes = [...Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0)), 10];
      dropped.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    }
    dropped.items.add(new File(["no picture"], "notes.png", { type: "image/png" }));
    zone.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
  }, [["Zebrawood.png", picture(2)], ["IMG_1.png", picture(9)]]);
  await dialog.getByText("Added. Searches find them now.").waitFor({ timeout: 240_000 });
  await dialog.getByText(/^notes.png: /).waitFor();
  await keep(page, "add-pictures-light");
  await page.keyboard.press("Escape");
  await page.getByLabel("Words", { exact: true }).fill("zebrawood quokka");
  const found = await settled(page, answers);
  assert.ok(found.results[0].path.endsWith("/Zebrawood.png"), found.results[0].path);
  assert.deepEqual(faults, []);
  await close();

  const phone = await open("/", { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true });
  const later = searches(phone.page);
  await phone.page.getByRole("button", { name: "Add pictures" }).click();
  await phone.page.getByLabel("Tags for all of them").fill("numbat");
  await phone.page.getByLabel("Pictures to add").setInputFiles({
    name: "image.png",
    mimeType: "image/png",
    buffer: Buffer.concat([Buffer.from(picture(16), "base64"), Buffer.from([10])]),
  });
  await phone.page.getByText("Added. Searches find them now.").waitFor({ timeout: 240_000 });
  await checkWidth(phone.page.getByRole("dialog"));
  await keep(phone.page, "add-pictures-phone-dark");
  await phone.page.getByRole("button", { name: "Close" }).click();
  await phone.page.getByRole("button", { name: "Find", exact: true }).click();
  await phone.page.getByLabel("Words", { exact: true }).fill("numbat");
  const chosen = await settled(phone.page, later);
  assert.ok(chosen.results[0].payload.tags_all.includes("numbat"));
  assert.deepEqual(phone.faults, []);
  await phone.close();
});

test("a phone in dark mode: words, a reference, and no view wider than the screen", async () => {
  const { page, faults, close } = await open("/", { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  const answers = searches(page);
  await page.locator(PAPER).waitFor();
  await draw(page, PAPER, DRAWINGS.apple);
  await keep(page, "phone-draw-dark");
  await checkAccessible(page, "the phone's pad");
  const bench = page.getByRole("navigation", { name: "Panels" });
  await bench.getByRole("button", { name: "Find" }).tap();
  await page.getByLabel("Words", { exact: true }).fill("apple");
  await settled(page, answers);
  await waitForPictures(page);
  await checkWidth(page.getByRole("region", { name: "Find references" }));
  await keep(page, "phone-find-dark");
  await checkAccessible(page, "the phone's results");
  await page.locator("#results > li").first().getByRole("button", { name: /as a reference/ }).tap();
  await bench.getByRole("button", { name: /References/ }).tap();
  await page.getByRole("list", { name: "References in use" }).locator("li").first().waitFor();
  await keep(page, "phone-references-dark");
  await checkAccessible(page, "the phone's references");
  await bench.getByRole("button", { name: /Generate/ }).tap();
  await page.getByRole("button", { name: "Use the searched words: apple" }).tap();
  assert.equal(await page.getByLabel("Prompt").inputValue(), "apple");
  await page.getByRole("form", { name: "Generation settings" }).getByText(/\d honoured|be honoured/).first().waitFor();
  await checkWidth(page.getByRole("region", { name: "Generate" }));
  await keep(page, "phone-generate-dark");
  await checkAccessible(page, "the phone's generation");
  for (const place of ["History", "Admin"]) {
    await page.getByRole("link", { name: place }).tap();
    await page.getByRole("heading", { name: place, level: 1 }).waitFor();
    // With its content: a table is wider than the screen, and scrolls inside its card.
    if (place === "Admin") await page.getByRole("table").first().waitFor();
    // Not `innerWidth`, which grows with a page that is too wide.
    const [width, height] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
    assert.ok(width <= page.viewportSize().width, `${place}: the page is ${width} px wide`);
    assert.ok(height <= page.viewportSize().height, `${place}: the page is ${height} px high, and not only its content scrolls`);
  }
  assert.deepEqual(faults, []);
  await close();
});

test("dark mode, a server that does not answer, and a server that requires a key", async () => {
  const { page, close } = await open("/", { colorScheme: "dark" });
  const answers = searches(page);
  await page.getByLabel("Words", { exact: true }).fill("cat");
  await settled(page, answers);
  await waitForPictures(page);
  await keep(page, "studio-dark");
  await checkAccessible(page, "the studio in dark mode");
  for (const [place, name] of [["History", "history-dark"], ["Admin", "admin-dark"]]) {
    await page.getByRole("link", { name: place }).click();
    await page.getByRole("heading", { name: place, level: 1 }).waitFor();
    // Placeholders for what is not here yet pulse.
    await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== "running"));
    await keep(page, name);
    await checkAccessible(page, name);
  }
  await page.getByRole("link", { name: "Studio", exact: true }).click();

  await page.route(/\/(api|livez)/, (route) => route.abort("connectionrefused"));
  await page.getByLabel("Words", { exact: true }).fill("dog");
  await page.getByText("Your drawing is saved").first().waitFor();
  await keep(page, "away-dark");
  await checkAccessible(page, "a server that does not answer");
  await page.unroute(/\/(api|livez)/);
  await page.waitForFunction(() => /picture/.test(document.querySelector("#search-status")?.textContent ?? ""));

  const problem = { type: "urn:clippy:problem:unauthorized", title: "A key is needed", status: 401, detail: "this call needs a key (API_KEYS)", code: "unauthorized" };
  await page.route("**/api/search/hybrid", (route) =>
    route.request().headers().authorization === "Bearer secret"
      ? route.continue({ headers: { ...route.request().headers(), authorization: "" } })
      : route.fulfill({ status: 401, contentType: "application/problem+json", body: JSON.stringify(problem) }),
  );
  await page.reload();
  await page.getByLabel("Words", { exact: true }).fill("fish");
  await page.getByRole("button", { name: "Enter a key" }).click();
  await page.getByRole("dialog").getByLabel("Key").fill("secret");
  await page.getByRole("button", { name: "Use key" }).click();
  await page.locator("#results > li").first().waitFor();
  await close();
});
