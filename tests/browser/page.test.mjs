// The built-in page in a real browser, against the real server: draw with the mouse, and see what was drawn.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const program = process.env.CLIPPY_PROGRAM;
// Where screenshots are kept, when somebody wants to look at them.
const pictures = process.env.CLIPPY_SCREENSHOTS;
const browsers = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"];

let folder, server, url, browser;

before(async () => {
  assert.ok(program, "CLIPPY_PROGRAM names the binary; `make test` sets it");
  folder = mkdtempSync(join(tmpdir(), "clippy-page-"));
  server = spawn(program, ["demo", "--data-dir", join(folder, "data"), "--bind", "127.0.0.1:0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  url = await new Promise((resolve, reject) => {
    createInterface({ input: server.stdout }).on("line", (line) => {
      const found = line.match(/http:\/\/[\d.:]+/);
      if (found) resolve(found[0]);
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const executablePath = browsers.find((path) => existsSync(path));
  assert.ok(executablePath, "the tests need a browser; on Debian: apt-get install chromium");
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
  if (pictures) mkdirSync(pictures, { recursive: true });
});

after(async () => {
  await browser?.close();
  server?.kill("SIGKILL");
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function open(options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, ...options });
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await page.goto(url);
  return { page, faults };
}

async function keep(page, name) {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

const DRAWINGS = {
  apple: [
    Array.from({ length: 33 }, (_, i) => {
      const t = (i / 32) * 2 * Math.PI - Math.PI / 2;
      const dent = 0.1 * Math.exp(-((Math.atan2(Math.cos(t), -Math.sin(t)) / 0.45) ** 2));
      return [0.5 + (0.33 - 0.02 * Math.sin(t)) * Math.cos(t), 0.58 + 0.3 * Math.sin(t) + dent];
    }),
    [[0.5, 0.38], [0.52, 0.26], [0.56, 0.18]],
    [[0.55, 0.24], [0.63, 0.16], [0.73, 0.16], [0.68, 0.25], [0.55, 0.24]],
  ],
  house: [
    [[0.25, 0.5], [0.25, 0.88], [0.75, 0.88], [0.75, 0.5]],
    [[0.17, 0.54], [0.5, 0.2], [0.83, 0.54], [0.17, 0.54]],
    [[0.45, 0.88], [0.45, 0.66], [0.57, 0.66], [0.57, 0.88]],
    [[0.31, 0.6], [0.31, 0.7], [0.4, 0.7], [0.4, 0.6], [0.31, 0.6]],
  ],
};

async function draw(page, name) {
  const box = await page.locator("#pad").boundingBox();
  const side = Math.min(box.width, box.height);
  const left = box.x + (box.width - side) / 2;
  for (const stroke of DRAWINGS[name]) {
    const [[x, y], ...rest] = stroke.map(([a, b]) => [left + a * side, box.y + b * side]);
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (const [a, b] of rest) await page.mouse.move(a, b, { steps: 4 });
    await page.mouse.up();
  }
}

/** Draws and waits for the answer to the whole drawing; the results as the server gave them. */
async function found(page, name) {
  const answers = [];
  page.on("response", async (response) => {
    if (response.url().includes("/api/search/hybrid") && response.ok()) answers.push(await response.json().catch(() => null));
  });
  await draw(page, name);
  await page.waitForFunction(() => {
    const results = document.querySelector("#results");
    return !results.hasAttribute("aria-busy") && results.querySelectorAll(".card").length > 0;
  });
  // The last stroke starts one more search, a moment after the pen was lifted.
  await page.waitForTimeout(800);
  await page.waitForFunction(() => !document.querySelector("#results").hasAttribute("aria-busy"));
  return answers.filter(Boolean).at(-1).results;
}

for (const name of Object.keys(DRAWINGS)) {
  test(`a drawn ${name} is found in several styles`, async () => {
    const { page, faults } = await open();
    const results = (await found(page, name)).slice(0, 10);
    const styles = new Set(results.filter((hit) => hit.payload.subject === name).map((hit) => hit.payload.style));
    await page.waitForFunction(() => [...document.querySelectorAll("#results .card img")].filter((image) => image.naturalWidth > 0).length >= 6);
    await keep(page, `found-${name}`);
    assert.ok(styles.size >= 3, `${name} in ${[...styles]}; found ${results.map((hit) => hit.payload.subject)}`);
    const shown = await page.locator("#results .card img").evaluateAll((images) => images.filter((image) => image.naturalWidth > 0).length);
    assert.ok(shown >= 6, `${shown} thumbnails are shown`);
    assert.deepEqual(faults, []);
    await page.close();
  });
}

test("words, a style chip, more like this, and the phone", async () => {
  const { page, faults } = await open({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  await keep(page, "phone-empty");
  await page.fill("#words", "cat");
  await page.locator("#results .card").first().waitFor();
  await page.locator("#chips button", { hasText: "pixel art" }).first().click();
  await page.waitForFunction(() => {
    const cards = [...document.querySelectorAll("#results .card")];
    return cards.length > 0 && cards.every((card) => card.textContent.includes("pixel"));
  });
  await keep(page, "phone-words");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  assert.ok(wide, "nothing sticks out sideways");
  await page.getByRole("button", { name: /like this/i }).first().click();
  await page.locator("#references .reference").first().waitFor();
  await page.locator("#results .card").first().waitFor();
  assert.deepEqual(faults, []);
  await page.close();
});
