// The pad beyond brush and eraser: zoom and pan, shapes, fill, lasso, layers, the mask's stripes,
// and the files of other programs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { checkAccessible, draw, isStored, keep, open, searches, settled } from "./harness.mjs";

const PAPER = "#paper";
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" };
const strokes = (page, words) => page.getByRole("img", { name: new RegExp(`Sketch pad with ${words}`) }).waitFor();
const zoom = (page) => page.getByRole("group", { name: "Zoom" });
const zoomed = (page, percent) => zoom(page).getByRole("status").filter({ hasText: `${percent}%` }).waitFor();
const whole = (page) => zoom(page).getByRole("status").waitFor({ state: "detached" });
const layers = (page) => page.getByRole("list", { name: "Layers", exact: true });
const SQUARE = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7], [0.3, 0.3]];

/** The colour of a place of the paper as it is seen, as [red, green, blue]. Places are 0..1. */
async function colourAt(page, [x, y]) {
  const box = await page.locator(PAPER).boundingBox();
  const clip = { x: Math.round(box.x + x * box.width), y: Math.round(box.y + y * box.height), width: 1, height: 1 };
  const png = (await page.screenshot({ clip })).toString("base64");
  return page.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  }, png);
}

const isWhite = (colour) => colour.every((channel) => channel > 240);
const isDark = (colour) => colour.every((channel) => channel < 100);

/** Keeps the sketches that a page sends. It is called before the page does anything. */
function watchSketches(page) {
  return page.evaluate(() => {
    const append = FormData.prototype.append;
    window.sketches = [];
    FormData.prototype.append = function (...words) {
      if (words[0] === "sketch") window.sketches.push(words[1]);
      return append.apply(this, words);
    };
  });
}

/** The size of the sketch that `act` makes the page send, and its colours at some places, 0..1. */
async function sketchOf(page, places, act) {
  const before = await page.evaluate(() => window.sketches.length);
  await act();
  await page.waitForFunction((count) => window.sketches.length > count, before);
  return page.evaluate(async (all) => {
    const picture = await createImageBitmap(window.sketches.at(-1));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    const colours = all.map(([x, y]) => [...context.getImageData(Math.round(x * picture.width), Math.round(y * picture.height), 1, 1).data]);
    return { size: [picture.width, picture.height], colours };
  }, places);
}

/** Two fingers go apart, or with `by` sideways, around the middle of the paper. */
async function twoFingers(page, { from, to, by = 0 }) {
  const devtools = await page.context().newCDPSession(page);
  const box = await page.locator(PAPER).boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const points = (apart, right) => [-1, 1].map((side, id) => ({ x: x + right + side * apart, y, id }));
  const [first] = points(from, 0);
  // The first finger is down before the second one, as with a hand, and moves a little.
  await devtools.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ ...first, y: y - 4 }] });
  await devtools.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [first] });
  await devtools.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: points(from, 0) });
  for (let step = 1; step <= 8; step += 1) {
    const apart = from + ((to - from) * step) / 8;
    await devtools.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: points(apart, (by * step) / 8) });
  }
  await devtools.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await devtools.detach();
}

test("the paper is zoomed and moved by wheel, keys, buttons and Space, and lines fall where the pointer is", async () => {
  const { page, faults, close } = await open("/");
  await page.locator(PAPER).waitFor();
  const box = await page.locator(PAPER).boundingBox();
  const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
  await whole(page);
  await page.mouse.move(...at(0.25, 0.25));
  await page.mouse.wheel(0, -600);
  await zoom(page).getByRole("status").waitFor();
  // A point below the pointer is drawn below the pointer.
  await page.mouse.down();
  await page.mouse.move(...at(0.26, 0.25));
  await page.mouse.up();
  await strokes(page, "1 stroke");
  await page.keyboard.press("0");
  await whole(page);
  assert.ok(isDark(await colourAt(page, [0.253, 0.25])), "the line is where it was drawn");
  assert.ok(isWhite(await colourAt(page, [0.5, 0.5])));

  // Keys and buttons zoom at the middle; Space moves the paper and draws nothing.
  await page.keyboard.press("+");
  await zoomed(page, 150);
  await zoom(page).getByRole("button", { name: "Zoom in" }).click();
  await zoomed(page, 225);
  await page.mouse.move(...at(0.4, 0.4));
  await page.keyboard.down("Space");
  await page.mouse.down();
  await page.mouse.move(...at(2, 2), { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up("Space");
  await strokes(page, "1 stroke");
  await zoomed(page, 225);
  // The upper left corner of the paper is at that of the window: the line is 2.25 times as far.
  const seen = await page.locator(PAPER).boundingBox();
  const scale = (2.25 * box.width) / seen.width;
  const scaleDown = (2.25 * box.height) / seen.height;
  assert.ok(isDark(await colourAt(page, [0.253 * scale, 0.25 * scaleDown])), "the paper was moved to its corner");
  await keep(page, "sketch-zoomed-light");
  await checkAccessible(page, "a zoomed paper");
  for (let step = 0; step < 30; step += 1) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("-");
  await page.keyboard.press("-");
  await whole(page);
  assert.ok(await zoom(page).getByRole("button", { name: "Zoom out" }).isDisabled());
  assert.deepEqual(faults, []);
  await close();
});

test("on a phone two fingers zoom and draw nothing, one finger draws", async () => {
  const { page, faults, close } = await open("/", PHONE);
  await page.locator(PAPER).waitFor();
  await twoFingers(page, { from: 30, to: 90 });
  await zoomed(page, 300);
  await strokes(page, "0 strokes");
  await twoFingers(page, { from: 60, to: 60, by: 80 });
  await zoomed(page, 300);
  await strokes(page, "0 strokes");
  await keep(page, "sketch-phone-zoomed-dark");
  await twoFingers(page, { from: 90, to: 20 });
  await whole(page);
  const box = await page.locator(PAPER).boundingBox();
  const devtools = await page.context().newCDPSession(page);
  const touch = (type, x) => devtools.send("Input.dispatchTouchEvent", { type, touchPoints: x === null ? [] : [{ x: box.x + x, y: box.y + 90, id: 0 }] });
  await touch("touchStart", 60);
  for (let step = 1; step <= 6; step += 1) await touch("touchMove", 60 + step * 20);
  await touch("touchEnd", null);
  await strokes(page, "1 stroke");
  // Right after a finger moved fast, Chromium takes a tap for the end of that movement.
  while (!(await layers(page).isVisible())) {
    await page.getByRole("button", { name: "Layers", exact: true }).tap();
    await layers(page).waitFor({ timeout: 2000 }).catch(() => undefined);
  }
  await checkAccessible(page, "the layers on a phone");
  await keep(page, "sketch-phone-layers-dark");
  assert.deepEqual(faults, []);
  await close();
});

test("shapes, a fill and the lasso make strokes, which are undone, moved and removed", async () => {
  const { page, faults, close } = await open("/");
  await page.locator(PAPER).waitFor();
  await page.getByRole("button", { name: "More tools" }).click();
  await page.getByRole("button", { name: "Rectangle" }).click();
  await page.getByRole("button", { name: "More tools: Rectangle", exact: true }).waitFor();
  await draw(page, PAPER, [[[0.3, 0.3], [0.7, 0.7]]]);
  await strokes(page, "1 stroke");
  assert.ok(isDark(await colourAt(page, [0.5, 0.3])) && isWhite(await colourAt(page, [0.5, 0.5])), "a frame");
  await page.keyboard.press("g");
  await draw(page, PAPER, [[[0.5, 0.5]]]);
  await strokes(page, "2 strokes");
  assert.ok(isDark(await colourAt(page, [0.5, 0.5])), "the inside is filled");
  assert.ok(isWhite(await colourAt(page, [0.2, 0.5])), "the outside is not");
  await keep(page, "sketch-filled-light");
  // A click makes no shape.
  await page.keyboard.press("o");
  await draw(page, PAPER, [[[0.1, 0.1]]]);
  await draw(page, PAPER, [[[0.05, 0.05], [0.2, 0.15]]]);
  await strokes(page, "3 strokes");

  // The lasso takes the rectangle and its fill, and leaves the ellipse.
  await page.keyboard.press("s");
  await draw(page, PAPER, [[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]]);
  await page.locator("[data-selection]").waitFor();
  await draw(page, PAPER, [[[0.5, 0.5], [0.7, 0.5]]]);
  await page.waitForFunction(() => document.querySelector("[data-selection]") !== null);
  assert.ok(isWhite(await colourAt(page, [0.4, 0.5])), "it left its place");
  assert.ok(isDark(await colourAt(page, [0.85, 0.5])), "it is at another");
  await keep(page, "sketch-selected-light");
  await page.keyboard.press("Control+z");
  assert.ok(isDark(await colourAt(page, [0.4, 0.5])), "the move is one step");
  // The same by keys alone.
  await page.keyboard.press("Control+a");
  for (let step = 0; step < 9; step += 1) await page.keyboard.press("Shift+ArrowRight");
  assert.ok(isWhite(await colourAt(page, [0.33, 0.5])) && isDark(await colourAt(page, [0.78, 0.5])), "arrows move");
  await page.keyboard.press("Delete");
  await strokes(page, "0 strokes");
  await page.keyboard.press("Control+z");
  await strokes(page, "3 strokes");
  // All steps survive a reload.
  await isStored(page, 3);
  await page.reload();
  await strokes(page, "3 strokes");
  await page.getByRole("button", { name: "Redo" }).click();
  await strokes(page, "0 strokes");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Undo" }).click();
  await strokes(page, "3 strokes");
  assert.deepEqual(faults, []);
  await close();
});

test("layers are added, hidden, made transparent, moved and removed; the search gets what is seen", async () => {
  const { page, faults, close } = await open("/");
  await page.locator(PAPER).waitFor();
  await watchSketches(page);
  const answers = searches(page);
  const first = await sketchOf(page, [[0.5, 0.3], [0.5, 0.5]], () => draw(page, PAPER, [SQUARE]));
  assert.deepEqual(first.size, [900, 900]);
  assert.ok(isDark(first.colours[0].slice(0, 3)), "the lines are sent");
  assert.deepEqual(first.colours[1], [255, 255, 255, 255], "on white");
  await settled(page, answers);
  await page.getByRole("button", { name: "Layers", exact: true }).click();
  await page.getByRole("button", { name: "Add a layer" }).click();
  assert.ok(await page.getByRole("radio", { name: "Draw on Layer 2" }).isChecked());
  await page.keyboard.press("Escape");
  await draw(page, PAPER, [[[0.1, 0.9], [0.9, 0.9]]]);
  await strokes(page, "2 strokes");
  await settled(page, answers);
  // The list of layers covers the upper part of the paper, and none of the line below.
  // Clearing and erasing change one layer only.
  await page.keyboard.press("Shift+Delete");
  await strokes(page, "1 stroke");
  await page.keyboard.press("Control+z");
  await page.getByRole("button", { name: "Layers", exact: true }).click();

  const top = layers(page).getByRole("listitem", { name: "Layer 2" });
  const names = () => layers(page).getByRole("listitem").evaluateAll((all) => all.map((item) => item.getAttribute("aria-label")));
  assert.deepEqual(await names(), ["Layer 2", "Lines"]);
  await top.getByRole("button", { name: "Move Layer 2 down" }).click();
  assert.deepEqual(await names(), ["Lines", "Layer 2"]);
  await top.getByLabel("Name of Layer 2").fill("Roof");
  await top.getByLabel("Name of Layer 2").press("Enter");
  const roof = layers(page).getByRole("listitem", { name: "Roof" });
  const lines = layers(page).getByRole("listitem", { name: "Lines" });
  // What was undone, moved and renamed is searched by first.
  await settled(page, answers);
  const without = await sketchOf(page, [[0.5, 0.3], [0.5, 0.9]], () => lines.getByRole("button", { name: "Hide Lines" }).click());
  assert.deepEqual(without.colours[0], [255, 255, 255, 255], "a hidden layer is not searched by");
  assert.ok(isDark(without.colours[1].slice(0, 3)), "the other one is");
  await settled(page, answers);
  await lines.getByRole("button", { name: "Show Lines" }).click();
  await roof.getByRole("button", { name: "Hide Roof" }).click();
  await settled(page, answers);
  assert.ok(isWhite(await colourAt(page, [0.5, 0.9])), "a hidden layer is not seen");
  await roof.getByRole("button", { name: "Show Roof" }).click();
  await roof.getByRole("slider", { name: "Opacity of Roof" }).focus();
  for (let step = 0; step < 14; step += 1) await page.keyboard.press("ArrowLeft");
  const [faded] = await colourAt(page, [0.5, 0.9]);
  assert.ok(faded > 120 && faded < 240, `${faded}: a transparent layer is pale`);
  await keep(page, "sketch-layers-light");
  await checkAccessible(page, "the layers");
  await page.emulateMedia({ colorScheme: "dark" });
  await keep(page, "sketch-layers-dark");
  await checkAccessible(page, "the layers, dark");
  // With all layers hidden there is nothing to search by.
  await roof.getByRole("button", { name: "Remove Roof" }).click();
  await strokes(page, "1 stroke");
  assert.ok(await lines.getByRole("button", { name: "Remove Lines" }).isDisabled());
  await lines.getByRole("button", { name: "Hide Lines" }).click();
  await page.keyboard.press("Escape");
  assert.ok(isWhite(await colourAt(page, [0.5, 0.3])));
  // Who draws on a hidden layer sees it again.
  await draw(page, PAPER, [[[0.1, 0.8], [0.9, 0.8]]]);
  assert.ok(isDark(await colourAt(page, [0.5, 0.3])));
  assert.deepEqual(faults, []);
  await close();
});

test("a base is one of the layers; the mask is seen on red; SVG and PSD are opened, broken ones are refused", async () => {
  const { page, faults, close } = await open("/");
  await page.locator(PAPER).waitFor();
  const input = page.getByLabel("Base picture", { exact: true });
  const script = "<script>document.title = 'run'</script><image href='/api/never' width='9' height='9'/>";
  const red = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 20" width="30" height="20">${script}<rect width="30" height="20" fill="#d8343a"/></svg>`;
  let asked = 0;
  await page.route("**/api/never", (route) => {
    asked += 1;
    return route.abort();
  });
  await input.setInputFiles({ name: "red.svg", mimeType: "image/svg+xml", buffer: Buffer.from(red) });
  await strokes(page, "0 strokes on a picture");
  const shape = await page.locator(PAPER).boundingBox();
  assert.ok(Math.abs(shape.width / shape.height - 1.5) < 0.02, "the paper has the picture's shape");
  assert.equal(await page.title(), "Clippy");
  assert.equal(asked, 0, "an SVG loads nothing");

  await page.keyboard.press("m");
  await draw(page, PAPER, [[[0.2, 0.5], [0.8, 0.5]]]);
  await strokes(page, "1 stroke on a picture");
  const along = [];
  for (let step = 0; step < 16; step += 1) along.push(await colourAt(page, [0.5 + step / shape.width, 0.5]));
  const greens = along.map(([, green]) => green);
  assert.ok(Math.max(...greens) - Math.min(...greens) > 90, `stripes on red: ${greens}`);
  await keep(page, "sketch-mask-on-red-light");

  await page.getByRole("button", { name: "Layers", exact: true }).click();
  await layers(page).getByRole("button", { name: "Hide Base" }).click();
  await page.keyboard.press("Escape");
  assert.ok(isWhite(await colourAt(page, [0.05, 0.05])), "a hidden base is not seen");
  await page.getByRole("button", { name: "Undo" }).click();

  await input.setInputFiles({ name: "small.psd", mimeType: "", buffer: psd(8, 4, [20, 90, 200]) });
  await page.waitForFunction(() => {
    const { width, height } = document.querySelector("#paper").getBoundingClientRect();
    return Math.abs(width / height - 2) < 0.02;
  });
  const [r, g, b] = await colourAt(page, [0.05, 0.05]);
  assert.ok(Math.abs(r - 20) < 6 && Math.abs(g - 90) < 6 && Math.abs(b - 200) < 6, `${[r, g, b]}`);
  // What cannot be read is refused with what to do: colours for printing, and a file cut short.
  await input.setInputFiles({ name: "print.psd", mimeType: "", buffer: psd(8, 4, [0, 0, 0, 0], 4) });
  await page.getByRole("alert").filter({ hasText: /print\.psd is not a PSD that can be read here.*as a PNG/ }).waitFor();
  await input.setInputFiles({ name: "short.psd", mimeType: "", buffer: psd(8, 4, [0, 0, 0]).subarray(0, 20) });
  await page.getByRole("alert").filter({ hasText: "short.psd is not a PSD that can be read here" }).waitFor();
  await input.setInputFiles({ name: "broken.svg", mimeType: "image/svg+xml", buffer: Buffer.from("<svg") });
  await page.getByRole("alert").filter({ hasText: "broken.svg is not an SVG" }).waitFor();
  // A picture of one colour has nothing to search by, which the server says.
  assert.deepEqual(faults.filter((fault) => !/ERR_|status of 422/.test(fault)), []);
  await close();
});

/** A PSD without layers, of one colour: its header, three empty sections, and raw channels. */
function psd(width, height, colour, mode = 3) {
  const header = Buffer.alloc(26);
  header.write("8BPS", 0, "latin1");
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(colour.length, 12);
  header.writeUInt32BE(height, 14);
  header.writeUInt32BE(width, 18);
  header.writeUInt16BE(8, 22);
  header.writeUInt16BE(mode, 24);
  const channels = colour.map((value) => Buffer.alloc(width * height, value));
  return Buffer.concat([header, Buffer.alloc(12), Buffer.alloc(2), ...channels]);
}
