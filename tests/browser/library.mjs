// A gallery of one's own: pictures are dropped on the page, found, corrected, deleted and put back,
// on a desktop and on a phone, and changed many at once by an admin.

import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { call, checkAccessible, checkWidth, draw, DRAWINGS, keep, open, pictureOf, searches, serve, settled, until } from "./harness.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true };

/** Drops files on an element, as from a folder window. */
function dropOn(zone, files) {
  const sent = files.map(([name, content, type = "image/png"]) => [name, Buffer.from(content).toString("base64"), type]);
  return zone.evaluate((element, sent) => {
    const dropped = new DataTransfer();
    for (const [name, content, type] of sent) {
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      dropped.items.add(new File([bytes], name, { type }));
    }
    element.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
  }, sent);
}

const fileOf = (hit) => hit.path.split("/").at(-1);
const find = (page, words) => page.getByLabel("Words", { exact: true }).fill(words);

/** Shows the details of the first result. */
async function openFirst(page) {
  await page.locator("#results > li").first().getByRole("button", { name: /^Details of/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Why it was found").waitFor();
  return dialog;
}

/** Adds a tag in the details of a picture, and removes one. */
async function editTags(dialog, added, removed) {
  await dialog.getByRole("button", { name: "Edit tags" }).click();
  const field = dialog.getByRole("combobox", { name: "Add a tag" });
  await field.fill(added);
  await field.press("Enter");
  if (removed) await dialog.getByRole("button", { name: `Remove ${removed}` }).click();
}

test("dropped pictures are found, corrected, deleted and put back; many are changed at once", async () => {
  const { url: at } = await serve({});
  const { page, faults, close } = await open("/", { at, viewport: { width: 1280, height: 800 } });
  const answers = searches(page);
  const stored = async (id) => (await call(`/api/pictures/${id}`, { at })).state;
  const tagsOf = async (id) => (await call(`/api/pictures/${id}`, { at })).payload.tags_all;

  // Dropped: five pictures, one of them cut off, and a text.
  const cat = pictureOf("cat", "vector_art");
  await page.getByRole("button", { name: "Add pictures" }).click();
  const adding = page.getByRole("dialog", { name: "Add pictures" });
  await adding.getByLabel("Tags for all of them").fill("sketchbook");
  await dropOn(adding.getByRole("group", { name: "Drop pictures here" }), [
    ["IMG_0001.png", pictureOf("apple", "line_art")],
    ["Zebrawood hut.png", pictureOf("house", "vector_art")],
    ["IMG_0003.png", pictureOf("moon", "vector_art")],
    ["sleepy.png", cat],
    ["torn page.png", pictureOf("fish", "vector_art").subarray(0, 900)],
    ["notes.txt", "no picture", "text/plain"],
  ]);
  await adding.getByText("Added, but 1 file could not be read:").waitFor();
  await adding.getByText(/^torn page\.png: .*cut off/).waitFor();
  await adding.getByText("notes.txt: not a picture").waitFor();
  await keep(page, "library-added-light");
  await checkAccessible(page, "added pictures");
  await adding.getByRole("button", { name: "Close" }).click();

  // Found by the words of a name, and by a sketch.
  await find(page, "zebrawood");
  const named = await settled(page, answers);
  assert.equal(fileOf(named.results[0]), "Zebrawood hut.png");
  await find(page, "");
  await draw(page, "#paper", DRAWINGS.apple);
  const drawn = await settled(page, answers);
  const { id } = drawn.results[0];
  assert.equal(fileOf(drawn.results[0]), "IMG_0001.png", drawn.results.map(fileOf).join());

  // Corrected: the details have its id and file, and its tags are edited.
  let dialog = await openFirst(page);
  const facts = dialog.getByLabel("About the picture");
  assert.match(await facts.innerText(), new RegExp(`IMG_0001\\.png[^]*${id}`));
  await editTags(dialog, "red breakfast", "sketchbook");
  await keep(page, "library-tags-light");
  await checkAccessible(page, "editing tags");
  await dialog.getByRole("button", { name: "Save tags" }).click();
  await dialog.getByText("Saved").waitFor();
  assert.deepEqual((await tagsOf(id)).filter((tag) => /break|sketch/.test(tag)), ["red_breakfast"]);
  await keep(page, "library-details-light");
  await dialog.getByRole("button", { name: "Close" }).click();
  const filter = page.getByRole("combobox", { name: "Filter by tag" });
  await filter.fill("red breakfast");
  await filter.press("Enter");
  await until("only the corrected picture", async () => (await settled(page, answers)).results.map((hit) => hit.id).join() === id);

  // Deleted and put back.
  dialog = await openFirst(page);
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await dialog.getByText("This picture was deleted.").waitFor();
  assert.equal(await stored(id), "deleted");
  await keep(page, "library-deleted-light");
  await dialog.getByRole("button", { name: "Undo" }).click();
  await dialog.getByRole("button", { name: "Same subject" }).click();
  assert.equal(await stored(id), "in_gallery");
  await page.getByRole("button", { name: "Clear filters" }).click();
  await until("pictures like it", async () => {
    const { results } = await settled(page, answers);
    return results.length === 3 && results.every((hit) => hit.id !== id);
  });

  // An admin deletes it with all of its tag, after a dry run.
  await page.getByRole("link", { name: "Admin" }).click();
  const form = page.getByRole("form", { name: "Change many pictures" });
  const shown = form.getByRole("status", { name: "What would change" });
  const tagged = async (label, tag) => {
    await form.getByRole("combobox", { name: label }).fill(tag);
    await form.getByRole("combobox", { name: label }).press("Enter");
  };
  await form.getByLabel("What to do").selectOption({ label: "Delete pictures" });
  await form.getByRole("button", { name: "Show what would change" }).click();
  await form.getByText(/Choose which pictures/).waitFor();
  await tagged("With all of these tags", "red breakfast");
  await form.getByRole("button", { name: "Show what would change" }).click();
  await shown.getByText("1 picture would change.").waitFor();
  await page.waitForFunction(() => document.querySelector('form[aria-label="Change many pictures"] img')?.naturalWidth > 0);
  assert.equal(await stored(id), "in_gallery");
  await form.scrollIntoViewIfNeeded();
  await keep(page, "library-change-light");
  await checkAccessible(page, "a change of many pictures");
  await form.getByRole("button", { name: "Delete 1 picture", exact: true }).click();
  await shown.getByText("Deleted 1 picture.").waitFor();
  assert.equal(await stored(id), "deleted");
  const card = page.getByRole("article", { name: "Delete pictures, succeeded" });
  await card.getByRole("button", { name: /^Undo/ }).waitFor();

  // The search for pictures like it says so, and keeps the query.
  await page.getByRole("link", { name: "Studio", exact: true }).click();
  await page.getByText("That picture was deleted").waitFor();
  await page.getByRole("button", { name: /from similar pictures$/ }).waitFor();
  await keep(page, "library-gone-light");
  await checkAccessible(page, "a search for pictures like a deleted one");
  await page.getByRole("button", { name: "Undo the deletion" }).click();
  await page.locator("#results > li").first().waitFor();
  assert.equal(await stored(id), "in_gallery");

  // A tag for all pictures with another tag, undone from the list of changes.
  await page.getByRole("link", { name: "Admin" }).click();
  const house = named.results[0].id;
  await tagged("Tags to add", "paper");
  await tagged("With all of these tags", "sketchbook");
  await form.getByRole("button", { name: "Show what would change" }).click();
  await shown.getByText("3 pictures would change.").waitFor();
  await form.getByRole("button", { name: "Add tags to 3 pictures" }).click();
  await shown.getByText("Added paper to 3 pictures.").waitFor();
  assert.ok((await tagsOf(house)).includes("paper"));
  const entry = page.getByRole("region", { name: "Recent changes" }).getByRole("listitem").filter({ hasText: "Added paper to 3 pictures" });
  await keep(page, "library-started-light");
  await entry.getByRole("button", { name: /^Undo/ }).click();
  await entry.getByText("Undone").waitFor();
  assert.ok(!(await tagsOf(house)).includes("paper"));
  await page.getByRole("article", { name: "Add tags, succeeded" }).getByText("Undone").waitFor();
  await page.getByRole("region", { name: "Recent changes" }).scrollIntoViewIfNeeded();
  await keep(page, "library-changes-light");
  await page.emulateMedia({ colorScheme: "dark" });
  await keep(page, "library-changes-dark");
  await checkAccessible(page, "the admin page in dark mode");
  assert.deepEqual(faults.filter((fault) => !/status of 4\d\d/.test(fault)), []);
  await close();

  // On a phone: chosen or taken with the camera, found, corrected, and the admin page.
  const phone = await open("/", { at, ...PHONE });
  const later = searches(phone.page);
  const panel = phone.page.getByRole("navigation", { name: "Panels" });
  await phone.page.getByRole("button", { name: "Add pictures" }).tap();
  const choosing = phone.page.waitForEvent("filechooser");
  await phone.page.getByRole("button", { name: "Choose pictures" }).tap();
  const chooser = await choosing;
  assert.ok(chooser.isMultiple());
  const photograph = (name, buffer) => ({ name, mimeType: "image/png", buffer });
  await chooser.setFiles([photograph("image.png", pictureOf("fish", "vector_art")), photograph("image (1).png", cat.subarray(0, 700))]);
  await phone.page.getByText("Added, but 1 file could not be read:").waitFor();
  await checkWidth(phone.page.getByRole("dialog"));
  await keep(phone.page, "library-added-phone-dark");
  await checkAccessible(phone.page, "added pictures on a phone");
  await phone.page.getByRole("button", { name: "Close" }).tap();
  await panel.getByRole("button", { name: "Find" }).tap();
  await find(phone.page, "sleepy");
  await until("the picture by its words", async () => fileOf((await settled(phone.page, later)).results[0]) === "sleepy.png");
  dialog = await openFirst(phone.page);
  await editTags(dialog, "napping");
  // Further tags are proposed, and do not cover what saves them.
  await dialog.getByRole("option").first().waitFor();
  const proposed = await dialog.getByRole("listbox", { name: "Tags" }).boundingBox();
  const saving = await dialog.getByRole("button", { name: "Save tags" }).boundingBox();
  assert.ok(proposed.y + proposed.height <= saving.y, JSON.stringify({ proposed, saving }));
  await keep(phone.page, "library-tags-phone-dark");
  await checkWidth(dialog);
  await checkAccessible(phone.page, "editing tags on a phone");
  await dialog.getByRole("button", { name: "Save tags" }).tap();
  await dialog.getByText("Saved").waitFor();
  await keep(phone.page, "library-details-phone-dark");
  await dialog.getByRole("button", { name: "Close" }).tap();
  await find(phone.page, "napping");
  await until("the picture by its new tag", async () => {
    const [first] = (await settled(phone.page, later)).results;
    return first.payload.tags_all.includes("napping") && fileOf(first) === "sleepy.png";
  });
  await find(phone.page, "");
  await panel.getByRole("button", { name: "Draw" }).tap();
  await draw(phone.page, "#paper", DRAWINGS.house);
  await panel.getByRole("button", { name: "Find" }).tap();
  const sketched = await settled(phone.page, later);
  assert.equal(fileOf(sketched.results[0]), "Zebrawood hut.png", sketched.results.map(fileOf).join());
  await phone.page.getByRole("link", { name: "Admin" }).tap();
  await phone.page.getByRole("region", { name: "Recent changes" }).getByRole("button", { name: "Undo: Edited the tags of a picture" }).first().waitFor();
  await phone.page.getByRole("form", { name: "Change many pictures" }).scrollIntoViewIfNeeded();
  await keep(phone.page, "library-admin-phone-dark");
  await checkAccessible(phone.page, "the admin page on a phone");
  await phone.page.emulateMedia({ colorScheme: "light" });
  await keep(phone.page, "library-admin-phone-light");
  await checkAccessible(phone.page, "the admin page on a phone in light mode");
  const width = await phone.page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `${width} pixels wide`);
  assert.deepEqual(phone.faults, []);
  await phone.close();
});

test("a watched folder is followed: its pictures are found, and marked when their files are gone", async () => {
  const watched = realpathSync(mkdtempSync(join(tmpdir(), "clippy-watched-")));
  const { url: at } = await serve({ IMAGES_ROOT: watched });
  const { page, faults, close } = await open("/", { at, viewport: { width: 1280, height: 800 } });
  await page.getByRole("link", { name: "Admin" }).click();
  const section = page.getByRole("region", { name: "Watched folders" });
  await section.getByLabel("Watch another folder").fill(watched);
  await section.getByRole("button", { name: "Watch", exact: true }).click();
  await section.locator('li[data-state="events"], li[data-state="polling"]').waitFor();
  await keep(page, "library-watched-light");
  await checkAccessible(page, "watched folders");

  const file = join(watched, "Tuppence.png");
  writeFileSync(file, pictureOf("cat", "vector_art"));
  const body = { query_text: "tuppence", tag_filters: "tuppence" };
  const found = await until("the new picture", async () => {
    const { results } = await call("/api/search/hybrid", { at, method: "POST", body });
    return results[0];
  });
  await page.getByRole("link", { name: "Studio", exact: true }).click();
  await find(page, "tuppence");
  const dialog = await openFirst(page);
  await dialog.getByText("Tuppence.png").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();

  rmSync(file);
  await until("the mark of the missing file", async () => (await call(`/api/pictures/${found.id}`, { at })).payload.missing);
  await page.reload();
  await (await openFirst(page)).getByText("The file was gone when its folder was scanned last.").waitFor();
  await keep(page, "library-missing-light");

  // Switched off, it stays in the list.
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await page.getByRole("link", { name: "Admin" }).click();
  await section.getByRole("switch").click();
  await section.locator('li[data-state="off"]').waitFor();
  assert.deepEqual(faults.filter((fault) => !/status of 4\d\d/.test(fault)), []);
  await close();
  rmSync(watched, { recursive: true });
});
