// The map of the gallery: made by a button, zoomed, a part of it chosen with the lasso, and searched.

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
  await canvasOf(page).waitFor({ timeout: 180_000 });

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
