// Moves a map of 100,000 pictures in a browser, and says how many frames a second were drawn:
//
//   clippy demo --data-dir DATA && node benches/map.mjs http://127.0.0.1:8000 [--pictures N] [--seconds N] [--trace FILE]
//
// The server's own map is replaced by one that is made here, of groups around random places, so that no gallery of that
// size is needed. It needs the packages of the browser tests (`npm ci` in tests/browser) and Chromium.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const require = createRequire(new URL("../tests/browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { trace: { type: "string" }, pictures: { type: "string", default: "100000" }, seconds: { type: "string", default: "10" } },
});
const [url] = positionals;
const [count, seconds] = [Number(values.pictures), Number(values.seconds)];
const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"].find((path) => existsSync(path));
const GROUPS = 14;

let state = 7;
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

/** A map with groups of pictures, like those of a real gallery. */
function madeMap() {
  const centres = Array.from({ length: 800 }, () => [0.05 + 0.9 * random(), 0.05 + 0.9 * random()]);
  const map = { space: "image", made: 1_790_000_000, count, unplaced: 0, ids: [], x: [], y: [], groups: [], group: [] };
  map.groups = Array.from({ length: GROUPS }, (_, index) => `style ${index + 1}`);
  for (let index = 0; index < count; index += 1) {
    const [x, y] = centres[index % centres.length];
    const near = () => (random() + random() + random() - 1.5) / 30;
    map.ids.push(index + 1);
    map.x.push(Number(Math.min(1, Math.max(0, x + near())).toFixed(4)));
    map.y.push(Number(Math.min(1, Math.max(0, y + near())).toFixed(4)));
    map.group.push(Math.floor(random() * GROUPS));
  }
  return JSON.stringify(map);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
page.setDefaultTimeout(120_000);
const body = madeMap();
await page.route("**/api/map?*", (route) => route.fulfill({ contentType: "application/json", body }));
const begun = performance.now();
await page.goto(`${url}/#/map`);
const canvas = page.getByRole("img", { name: /^Map of/ });
await canvas.waitFor();
const shown = performance.now() - begun;

/** Drags the map in circles, and returns the times of the frames meanwhile. */
async function moved() {
  const box = await canvas.boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  const frames = page.evaluate(async (length) => {
    const times = [];
    await new Promise((resolve) => {
      const start = performance.now();
      const step = (now) => {
        times.push(now);
        if (now - start < 1000 * length) requestAnimationFrame(step);
        else resolve();
      };
      requestAnimationFrame(step);
    });
    return times;
  }, seconds);
  let ended = false;
  void frames.finally(() => { ended = true; });
  for (let step = 0; !ended; step += 1) {
    await page.mouse.move(x + 150 * Math.cos(step / 12), y + 150 * Math.sin(step / 12));
  }
  await page.mouse.up();
  return frames;
}

function told(times) {
  const gaps = times.slice(1).map((time, place) => time - times[place]).sort((one, other) => one - other);
  const at = (share) => Math.round(gaps[Math.floor(share * (gaps.length - 1))] * 10) / 10;
  const rate = (1000 * gaps.length) / (times.at(-1) - times[0]);
  return { frames_per_second: Math.round(rate * 10) / 10, frame_ms: { median: at(0.5), p95: at(0.95), p99: at(0.99), longest: at(1) } };
}

if (values.trace) await browser.startTracing(page, { path: values.trace, screenshots: false });
const whole = await moved();
if (values.trace) await browser.stopTracing();
await page.keyboard.press("0");
for (let step = 0; step < 2; step += 1) await page.getByRole("button", { name: "Zoom in" }).click();
const zoomed = await moved();
console.log(JSON.stringify({ pictures: count, shown_ms: Math.round(shown), whole: told(whole), zoomed: told(zoomed) }));
await browser.close();
