// Scrolls the whole gallery of a running server in a browser, and says how many frames a second were drawn, and how
// soon the first page was there:
//
//   benches/large_gallery.py EXPORT OUT && clippy import OUT --data-dir DATA && clippy serve --data-dir DATA
//   node benches/gallery.mjs http://127.0.0.1:8000 [--trace FILE] [--seconds N] [--phone]
//
// It needs the packages of the browser tests (`npm ci` in tests/browser) and Chromium.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const require = createRequire(new URL("../tests/browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { trace: { type: "string" }, seconds: { type: "string", default: "30" }, phone: { type: "boolean", default: false } },
});
const [url] = positionals;
const seconds = Number(values.seconds);
const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"].find((path) => existsSync(path));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const size = values.phone ? { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } : { viewport: { width: 1440, height: 900 } };
const page = await (await browser.newContext(size)).newPage();
page.setDefaultTimeout(120_000);

/** Waits until the pictures in view are loaded. */
function shown() {
  return page.waitForFunction(() => {
    const images = [...document.querySelectorAll('[aria-label="Pictures of the gallery"] img')];
    const seen = images.filter((image) => image.getBoundingClientRect().top < window.innerHeight);
    return seen.length >= 4 && seen.every((image) => image.naturalWidth > 0);
  });
}

await page.goto(url);
if (values.phone) await page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: "Find" }).tap();
await page.getByRole("radio", { name: "All pictures" }).click();
await shown();
// The view is remembered by the tab, so the page begins with the grid. The server's list is read again, too.
await new Promise((resolve) => setTimeout(resolve, 11_000));
const begun = performance.now();
await page.reload();
await shown();
const firstPage = performance.now() - begun;

if (values.trace) await browser.startTracing(page, { path: values.trace, screenshots: false });
const frames = await page.evaluate(async (length) => {
  const list = document.querySelector('[aria-label="Pictures of the gallery"]');
  let scroller = list.parentElement;
  while (scroller.scrollHeight <= scroller.clientHeight) scroller = scroller.parentElement;
  const whole = scroller.scrollHeight - scroller.clientHeight;
  const times = [];
  await new Promise((resolve) => {
    const start = performance.now();
    const step = (now) => {
      times.push(now);
      const part = Math.min(1, (now - start) / (1000 * length));
      scroller.scrollTop = part * whole;
      if (part < 1) requestAnimationFrame(step);
      else resolve();
    };
    requestAnimationFrame(step);
  });
  return { times, whole };
}, seconds);
if (values.trace) await browser.stopTracing();
await shown();
const last = await page.locator('[aria-label="Pictures of the gallery"] li[aria-posinset]').last().getAttribute("aria-posinset");
const gaps = frames.times.slice(1).map((time, place) => time - frames.times[place]).sort((one, other) => one - other);
const at = (share) => Math.round(gaps[Math.floor(share * (gaps.length - 1))] * 10) / 10;
const rate = (1000 * gaps.length) / (frames.times.at(-1) - frames.times[0]);
console.log(JSON.stringify({
  first_page_ms: Math.round(firstPage),
  pictures: Number(last),
  pixels: frames.whole,
  frames_per_second: Math.round(rate * 10) / 10,
  frame_ms: { median: at(0.5), p95: at(0.95), p99: at(0.99), longest: at(1) },
}));
await browser.close();
