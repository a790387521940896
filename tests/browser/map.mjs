// The map of the gallery: made by a button, zoomed, a part of it chosen with the lasso, and searched. Made anew, switched
// by keys, and without the pictures that were deleted.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, checkAccessible, checkWidth, keep, open, searches, settled, until } from "./harness.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true };
/** How much of its frame the whole map fills, as in `map/frame.ts`. */
const FILLED = 0.94;
/** The radius of the lasso, as a part of the map. */
const RADIUS = 0.16;

const canvasOf = (page) => page.getByRole("img", { name: /^Map of [\d,]+ pictures? in \d+ groups?$/ });
const inView = async (page) => Number((await page.getByRole("region", { name: "Groups in view" }).getByRole("status").textContent()).match(/^[\d,]+/)[0].replace(",", ""));
const find = (page, words) => page.getByLabel("Words", { exact: true }).fill(words);
const fieldOf = (request, name) => (request.postDataBuffer() ?? Buffer.alloc(0)).toString("latin1").match(new RegExp(`name="${name}"\\r\\n\\r\\n([^\\r]*)`))?.[1];
const isSearch = (request) => request.url().includes("/api/search/hybrid");
const idsOf = ({ results }) => results.map(({ id }) => String(id));
const plural = (count) => `${count.toLocaleString("en-US")} ${count === 1 ? "picture" : "pictures"}`;

/** Where a place of the map is on the screen, while the whole map is shown. */
async function screenOf(page) {
  const box = await canvasOf(page).boundingBox();
  const scale = Math.min(box.width, box.height) * FILLED;
  return { box, scale, at: (x, y) => [box.x + box.width / 2 + (x - 0.5) * scale, box.y + box.height / 2 + (y - 0.5) * scale] };
}

const placesOf = (map) => map.ids.map((id, index) => ({ id: String(id), x: map.x[index], y: map.y[index] }));
const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

/** The picture that is furthest from all others, of those that no button of the map covers. */
function mostAlone(places, { box, at }) {
  const isFree = ({ x, y }) => {
    const [, down] = at(x, y);
    return down > box.y + 90 && down < box.y + box.height - 160;
  };
  const room = (place) => Math.min(...places.filter((other) => other !== place).map((other) => distance(place, other)));
  return places.filter(isFree).map((place) => ({ place, room: room(place) })).sort((a, b) => b.room - a.room)[0].place;
}

/** The picture in the middle with the most others around it. */
function centreOf(places) {
  const near = places.filter(({ x, y }) => x > 0.25 && x < 0.75 && y > 0.25 && y < 0.75);
  const around = (place) => places.filter((other) => distance(place, other) < RADIUS).length;
  return near.map((place) => ({ place, count: around(place) })).sort((a, b) => b.count - a.count)[0].place;
}

/** Draws a circle around a place with the lasso. Waits for the choice, and returns its number. */
async function lasso(page, centre) {
  const { at } = await screenOf(page);
  const corner = (step) => at(centre.x + RADIUS * Math.cos((step / 24) * 2 * Math.PI), centre.y + RADIUS * Math.sin((step / 24) * 2 * Math.PI));
  await page.mouse.move(...corner(0));
  await page.mouse.down();
  for (let step = 1; step <= 24; step += 1) await page.mouse.move(...corner(step), { steps: 3 });
  await page.mouse.up();
  const button = page.getByRole("button", { name: /^Search in [\d,]+ pictures?$/ });
  await button.waitFor();
  return Number((await button.textContent()).match(/[\d,]+/)[0].replace(",", ""));
}

/** Chooses what is around a place with the lasso, and limits the search to it. Returns the number of pictures. */
async function searchAround(page, centre) {
  await page.getByRole("radio", { name: "Lasso" }).click();
  const chosen = await lasso(page, centre);
  await page.getByRole("button", { name: `Search in ${plural(chosen)}`, exact: true }).click();
  await chipOf(page, chosen).waitFor();
  return chosen;
}

/** The chip that says how many pictures of the map are searched, which leads back to the map. */
const chipOf = (page, chosen) => page.getByRole("link", { name: `In ${plural(chosen)} of the map`, exact: true });

/** Waits until the map shows this number of pictures. */
const isOnMap = (page, count) => page.getByRole("img", { name: new RegExp(`^Map of ${plural(count)} in `) }).waitFor();

/** The images of a picture on the page. */
const imagesOf = (page, id) => page.locator(`main img[src*="/image/${id}?"]`);

/** Deletes the picture whose details are shown, and closes them. */
async function deleteShown(page) {
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await dialog.getByText("This picture was deleted.").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await dialog.waitFor({ state: "detached" });
}

/** The ids that the tab limits its searches to. */
const chosenIds = (page) => page.evaluate(() => JSON.parse(sessionStorage.getItem("clippy.within")).ids);

/** Waits until the thumbnail of a picture is shown on the map. */
const waitForCard = (page, id) => page.waitForFunction((wanted) => {
  const images = [...document.querySelectorAll("main img")];
  return images.some((image) => image.getAttribute("src")?.includes(`/image/${wanted}?`) && image.naturalWidth > 0);
}, id);

test("a map is made by a button, shows the pictures, and limits searches to a part of it", async () => {
  const { page, faults, close } = await open("/");
  await page.getByRole("link", { name: "Map", exact: true }).click();
  await page.getByRole("heading", { name: "Map", exact: true }).waitFor();
  const making = page.getByRole("button", { name: "Make the map" });
  await making.waitFor();
  await keep(page, "map-none-light");
  await checkAccessible(page, "no map yet");
  await making.click();
  await canvasOf(page).waitFor({ timeout: 600_000 });

  // The whole gallery is on it.
  const map = await call("/api/map");
  const places = placesOf(map);
  assert.equal(map.ids.length, map.count);
  assert.ok(map.count > 800, `${map.count} pictures`);
  for (const list of [map.x, map.y, map.group]) assert.equal(list.length, map.count);
  assert.ok(places.every(({ x, y }) => x >= 0 && x <= 1 && y >= 0 && y <= 1));
  assert.match(await canvasOf(page).getAttribute("aria-label"), new RegExp(`^Map of ${plural(map.count)} in`));
  await until("all pictures in view", async () => (await inView(page)) === map.count);
  await page.getByText(/^Made on \d+ \w+ \d{4}/).waitFor();
  await page.getByRole("button", { name: "Make it anew" }).waitFor();
  await keep(page, "map-light");
  await checkAccessible(page, "the map");

  // A picture under the pointer, and its details.
  const screen = await screenOf(page);
  const alone = mostAlone(places, screen);
  const [x, y] = screen.at(alone.x, alone.y);
  await page.mouse.move(x + 40, y);
  await page.mouse.move(x, y, { steps: 4 });
  await waitForCard(page, alone.id);
  await keep(page, "map-hover-light");
  await page.mouse.click(x, y);
  const dialog = page.getByRole("dialog");
  const large = dialog.getByRole("img", { name: /at full size$/ });
  await large.waitFor();
  assert.match(await large.getAttribute("src"), new RegExp(`/image/${alone.id}(\\?|$)`));
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });

  // Zoomed by buttons, the wheel and keys, until thumbnails are shown.
  await page.getByRole("button", { name: "Zoom in" }).click();
  await page.getByRole("button", { name: "Zoom in" }).click();
  await until("fewer pictures in view", async () => (await inView(page)) < map.count);
  await page.keyboard.press("0");
  await until("all pictures", async () => (await inView(page)) === map.count);
  const crowd = centreOf(places);
  await page.mouse.move(...screen.at(crowd.x, crowd.y));
  for (let step = 0; step < 6; step += 1) await page.mouse.wheel(0, -300);
  await until("few pictures in view", async () => {
    const seen = await inView(page);
    return seen > 0 && seen < 160;
  });
  await page.waitForLoadState("networkidle");
  await keep(page, "map-zoomed-light");
  await page.keyboard.press("0");
  await until("all pictures again", async () => (await inView(page)) === map.count);

  // A group stands out while it is pressed.
  const group = page.getByRole("region", { name: "Groups in view" }).getByRole("button").first();
  await group.click();
  assert.equal(await group.getAttribute("aria-pressed"), "true");
  await keep(page, "map-group-light");
  await group.click();

  // The lasso: those inside of the circle, and none of the others.
  await page.getByRole("radio", { name: "Lasso" }).click();
  const centre = crowd;
  const chosen = await lasso(page, centre);
  await keep(page, "map-lasso-light");
  await checkAccessible(page, "a lasso on the map");
  await page.getByRole("button", { name: `Search in ${plural(chosen)}`, exact: true }).click();
  const name = `In ${plural(chosen)} of the map`;
  await page.getByRole("link", { name, exact: true }).waitFor();
  const within = new Set(await chosenIds(page));
  assert.equal(within.size, chosen);
  for (const place of places) {
    if (distance(place, centre) < RADIUS * 0.9) assert.ok(within.has(place.id), `${place.id} is inside`);
    if (distance(place, centre) > RADIUS * 1.1) assert.ok(!within.has(place.id), `${place.id} is outside`);
  }
  await page.getByRole("list", { name: "Pictures of the map" }).getByRole("button", { name: /^Details of/ }).first().waitFor();
  await keep(page, "map-chosen-light");

  // Words find only those, although others fit them best.
  const far = [...places].sort((a, b) => distance(b, centre) - distance(a, centre))[0];
  const { subject } = (await call(`/api/pictures?ids=${far.id}`)).pictures[0].payload;
  const answers = searches(page);
  const limited = page.waitForRequest(isSearch);
  await find(page, subject.replaceAll("_", " "));
  const area = fieldOf(await limited, "map_area");
  assert.match(area, /^([-\d.e]+,[-\d.e]+ ){2,}[-\d.e]+,[-\d.e]+$/);
  const found = idsOf(await settled(page, answers));
  assert.ok(found.length > 0, "something is found");
  assert.deepEqual(found.filter((id) => !within.has(id)), []);
  await checkAccessible(page, "a search in a part of the map");
  await keep(page, "map-search-light");

  // A reload keeps the choice; without the chip, everything is searched.
  await page.reload();
  assert.deepEqual(idsOf(await settled(page, answers)).filter((id) => !within.has(id)), []);
  const whole = page.waitForRequest(isSearch);
  await page.getByRole("button", { name: `Remove the filter ${name}` }).click();
  assert.equal(fieldOf(await whole, "map_area"), undefined);
  assert.equal(await page.getByRole("link", { name, exact: true }).count(), 0);
  await until("pictures of all of the map", async () => idsOf(await settled(page, answers)).some((id) => !within.has(id)));

  // Without a lasso: all that is in view.
  await page.getByRole("link", { name: "Choose pictures on the map" }).click();
  await canvasOf(page).waitFor();
  for (let step = 0; step < 3; step += 1) await page.getByRole("button", { name: "Zoom in" }).click();
  await until("fewer pictures in view", async () => (await inView(page)) < map.count);
  await page.getByRole("button", { name: "Search in view" }).click();
  const chip = page.getByRole("link", { name: /^In [\d,]+ pictures of the map$/ });
  await chip.waitFor();
  const seen = Number((await chip.textContent()).match(/[\d,]+/)[0].replace(",", ""));
  assert.ok(seen > 0 && seen < map.count, `${seen} pictures`);
  assert.equal((await chosenIds(page)).length, seen);
  // Until a first map was made, there is none.
  assert.deepEqual(faults.filter((fault) => !/status of 404/.test(fault)), []);
  await close();
});

test("the map fits a phone, in the dark: details by a tap, and the lasso", async () => {
  const map = await call("/api/map");
  const places = placesOf(map);
  const { page, faults, close } = await open("/", PHONE);
  await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: "Find" }).tap();
  await page.getByRole("link", { name: "Map", exact: true }).tap();
  await canvasOf(page).waitFor();
  await until("all pictures in view", async () => (await inView(page)) === map.count);
  await checkWidth(canvasOf(page));
  assert.equal((await canvasOf(page).boundingBox()).width, 390);
  await keep(page, "map-phone-dark");
  await checkAccessible(page, "the map on a phone");

  const screen = await screenOf(page);
  const alone = mostAlone(places, screen);
  await page.touchscreen.tap(...screen.at(alone.x, alone.y));
  const card = page.getByRole("button", { name: /^Details of/ });
  await card.waitFor();
  await waitForCard(page, alone.id);
  await keep(page, "map-card-phone-dark");
  await card.tap();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("img", { name: /at full size$/ }).waitFor();
  await dialog.getByRole("button", { name: "Close" }).tap();
  await dialog.waitFor({ state: "detached" });

  await page.getByRole("radio", { name: "Lasso" }).tap();
  const chosen = await lasso(page, centreOf(places));
  await keep(page, "map-lasso-phone-dark");
  await checkAccessible(page, "a lasso on a phone");
  await page.getByRole("button", { name: `Search in ${plural(chosen)}`, exact: true }).tap();
  await page.getByRole("link", { name: `In ${plural(chosen)} of the map`, exact: true }).waitFor();
  await page.getByRole("list", { name: "Pictures of the map" }).getByRole("button", { name: /^Details of/ }).first().waitFor();
  await keep(page, "map-chosen-phone-dark");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${wide} pixels wide`);
  assert.deepEqual(faults, []);
  await close();
});

test("a map that is being made anew survives a reload; the part that was chosen on the earlier one is dropped then", async () => {
  const before = await call("/api/map");
  const { page, faults, close } = await open("/#/map");
  await isOnMap(page, before.count);
  const chosen = await searchAround(page, centreOf(placesOf(before)));
  const chip = chipOf(page, chosen);
  await call("/api/admin/queues/bulk/pause", { method: "POST" });
  try {
    // To results, to the map and back: the same part is searched.
    const answers = searches(page);
    const within = new Set(await chosenIds(page));
    await find(page, "apple");
    const isWithin = ({ results }) => results.every(({ id }) => within.has(String(id)));
    assert.ok(isWithin(await settled(page, answers)));
    await chip.click();
    await isOnMap(page, before.count);
    await page.getByRole("button", { name: "Make it anew" }).click();
    const progress = page.getByRole("progressbar", { name: "Progress of the map" });
    await progress.waitFor();
    await page.getByRole("button", { name: "Back to the search" }).click();
    await chip.waitFor();
    assert.ok(isWithin(await settled(page, answers)));

    // A reload shows the job again, and not the button that would start another one.
    await chip.click();
    await progress.waitFor();
    await page.reload();
    await isOnMap(page, before.count);
    await progress.waitFor();
    assert.equal(await page.getByRole("button", { name: "Make it anew" }).count(), 0);
    await keep(page, "map-anew-light");
    await page.getByRole("button", { name: "Back to the search" }).click();
    await chip.waitFor();
  } finally {
    await call("/api/admin/queues/bulk/resume", { method: "POST" });
  }

  // As soon as there is a newer map, the line has other pictures inside.
  const told = page.getByRole("note").filter({ hasText: "The map was made anew" });
  await told.waitFor({ timeout: 600_000 });
  assert.ok((await call("/api/map")).made > before.made, "there is a newer map");
  assert.equal(await chip.count(), 0);
  assert.equal(await page.getByRole("alert").count(), 0, "the refusal is told by the note alone");
  await keep(page, "map-dropped-light");
  await checkAccessible(page, "a part of the map that was dropped");
  const asking = page.waitForRequest(isSearch);
  await find(page, "red apple");
  assert.equal(fieldOf(await asking, "map_area"), undefined);

  // The note leads to the newer map, whose job is over, and stays until it was read.
  await told.getByRole("link", { name: "Choose again on the map" }).click();
  await canvasOf(page).waitFor();
  await page.getByRole("button", { name: "Make it anew" }).waitFor();
  await page.getByRole("button", { name: "Back to the search" }).click();
  await told.getByRole("button", { name: "Hide this note" }).click();
  await told.waitFor({ state: "detached" });
  // The browser reports the refused search.
  assert.deepEqual(faults.filter((fault) => !fault.includes("409")), []);
  await close();
});

test("keys switch between the maps, and arrows on the switch do not move the map", async () => {
  const { count } = await call("/api/map");
  const { page, faults, close } = await open("/#/map");
  await isOnMap(page, count);
  const [look, style] = ["Look", "Style"].map((name) => page.getByRole("radio", { name, exact: true }));
  const isFocused = (choice) => until("the focus", () => choice.evaluate((element) => element === document.activeElement));
  await look.focus();
  await page.keyboard.press("ArrowRight");
  await isFocused(style);
  await page.keyboard.press("Enter");
  await page.getByText("This map puts pictures of the same style near each other.").waitFor();
  assert.equal(await style.getAttribute("aria-checked"), "true");
  await page.getByRole("button", { name: "Make the map" }).focus();
  await page.keyboard.press("Enter");
  await canvasOf(page).waitFor({ timeout: 600_000 });
  await keep(page, "map-style-light");

  await style.focus();
  await page.keyboard.press("ArrowLeft");
  await isFocused(look);
  await page.keyboard.press("Space");
  await isOnMap(page, count);
  assert.equal(await look.getAttribute("aria-checked"), "true");
  // Arrows that move the map show the picture in its middle, as a button.
  const card = page.getByRole("button", { name: /^Details of/ });
  assert.equal(await card.count(), 0);
  await look.blur();
  for (const key of ["ArrowRight", "ArrowLeft"]) await page.keyboard.press(key);
  await card.waitFor();
  // Until a first map of styles was made, there is none.
  assert.deepEqual(faults.filter((fault) => !/status of 404/.test(fault)), []);
  await close();
});

test("a deleted picture leaves the list of a part, the map and its preview", async () => {
  const map = await call("/api/map");
  const places = placesOf(map);
  const { page, faults, close } = await open("/#/map");
  const deleted = [];
  try {
    // From the list: the others move up, and the chip counts one less.
    await isOnMap(page, map.count);
    const chosen = await searchAround(page, centreOf(places));
    const list = page.getByRole("list", { name: "Pictures of the map" });
    const [first, second] = await chosenIds(page);
    await imagesOf(page, second).waitFor();
    await list.getByRole("button", { name: /^Details of/ }).first().click();
    deleted.push(first);
    await deleteShown(page);
    await page.getByText(`${plural(chosen - 1)} of the map. Type words or draw to search in them.`).waitFor();
    await until("the list without it", async () => (await imagesOf(page, first).count()) === 0);
    assert.equal(await list.getByRole("listitem").first().getAttribute("aria-setsize"), String(chosen - 1));
    assert.equal(await list.locator('li[aria-posinset="1"] img').and(imagesOf(page, second)).count(), 1);
    await keep(page, "map-chosen-deleted-light");

    // From the map: its place is empty.
    await chipOf(page, chosen - 1).click();
    await isOnMap(page, map.count - 1);
    const screen = await screenOf(page);
    const alone = mostAlone(places.filter(({ id }) => id !== first), screen);
    const [x, y] = screen.at(alone.x, alone.y);
    const pointAt = async () => {
      await page.mouse.move(x + 60, y);
      await page.mouse.move(x, y, { steps: 4 });
    };
    await page.getByRole("radio", { name: "Move" }).click();
    await pointAt();
    await waitForCard(page, alone.id);
    await page.mouse.click(x, y);
    await page.getByRole("dialog").getByRole("img", { name: /at full size$/ }).waitFor();
    deleted.push(alone.id);
    await deleteShown(page);
    await isOnMap(page, map.count - 2);
    await pointAt();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    assert.equal(await imagesOf(page, alone.id).count(), 0, "it has no preview");
    await keep(page, "map-deleted-light");
  } finally {
    if (deleted.length > 0) await call("/api/pictures/bulk", { method: "POST", body: { action: "restore", filter: { ids: deleted } } });
  }
  // Put back, they have their places again.
  await until("both on the map", async () => (await call("/api/map")).count === map.count);
  await page.reload();
  await isOnMap(page, map.count);
  // A picture may be asked for while it is deleted.
  assert.deepEqual(faults.filter((fault) => !/status of 404/.test(fault)), []);
  await close();
});
