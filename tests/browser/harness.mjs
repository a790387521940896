// A real server with the demo gallery, and a real browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

// Where to store screenshots; undefined for none.
const pictures = process.env.CLIPPY_SCREENSHOTS;
const executables = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"];

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb"];

let folder, browser;
const servers = [];
const crashable = [];

function executable() {
  const found = executables.find((path) => existsSync(path));
  assert.ok(found, "the tests need a browser; on Debian: apt-get install chromium");
  return found;
}

/** The server's address. */
export let url;
/** Its DATA_DIR; undefined for a server that was started elsewhere, unless CLIPPY_DATA names it. */
export let data;

/** Starts the server that CLIPPY_PROGRAM names, or uses the one at CLIPPY_URL, and a browser. */
export async function start() {
  if (pictures) mkdirSync(pictures, { recursive: true });
  const opening = chromium.launch({ executablePath: executable(), args: ARGUMENTS });
  folder = mkdtempSync(join(tmpdir(), "clippy-page-"));
  url = process.env.CLIPPY_URL;
  data = process.env.CLIPPY_DATA;
  if (url === undefined) {
    // CLIPPY_DATA keeps the folder, so that the gallery is drawn and embedded once only.
    data ??= join(folder, "data");
    ({ url } = await startServer(["demo", "--data-dir", data, "--bind", "127.0.0.1:0"]));
  }
  browser = await opening;
}

/**
 * Starts another server with an empty collection. Returns its address, its DATA_DIR, and functions
 * that kill it at once and start it again at the same address.
 */
export async function serve(settings) {
  const own = mkdtempSync(join(folder, "server-"));
  const launch = (bind) => startServer(["serve", "--bind", bind], { ...settings, DATA_DIR: own });
  let { url: address, server } = await launch("127.0.0.1:0");
  const kill = () => killed(server);
  const restart = async () => {
    ({ server } = await launch(new URL(address).host));
  };
  return { url: address, data: own, kill, restart };
}

/** Kills a process at once, as the system does without memory, and waits for its end. */
async function killed(process_) {
  const ended = new Promise((resolve) => process_.once("exit", resolve));
  process_.kill("SIGKILL");
  await ended;
}

/**
 * Starts a browser of its own with a profile in `profile`, which can be killed at once. Playwright
 * ends its own browsers in order, so that this one is only controlled by it.
 */
export async function startBrowser(profile) {
  const words = [...ARGUMENTS, "--headless=new", "--remote-debugging-port=0", "--no-first-run", "--window-size=1440,900", `--user-data-dir=${profile}`, "about:blank"];
  const process_ = spawn(executable(), words, { stdio: ["ignore", "ignore", "pipe"], detached: true });
  crashable.push(process_);
  const address = await new Promise((resolve, reject) => {
    createInterface({ input: process_.stderr }).on("line", (line) => {
      const found = line.match(/ws:\/\/\S+/);
      if (found) resolve(found[0]);
    });
    process_.on("exit", (code) => reject(new Error(`the browser ended with ${code}`)));
  });
  const controlled = await chromium.connectOverCDP(address);
  const [context] = controlled.contexts();
  const kill = async () => {
    const ended = new Promise((resolve) => process_.once("exit", resolve));
    process.kill(-process_.pid, "SIGKILL");
    await ended;
  };
  return { context, kill };
}

/** A folder for one test, which is removed at the end. */
export function ownFolder(name) {
  return mkdtempSync(join(folder, name));
}

async function startServer(words, settings = {}) {
  const program = process.env.CLIPPY_PROGRAM;
  assert.ok(program, "CLIPPY_PROGRAM names the binary; `make test` sets it");
  const server = spawn(program, words, { cwd: folder, stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...settings } });
  servers.push(server);
  return new Promise((resolve, reject) => {
    createInterface({ input: server.stdout }).on("line", (line) => {
      const found = line.match(/http:\/\/[\d.:]+/);
      if (found) resolve({ url: found[0], server });
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

export async function stop() {
  await browser?.close();
  for (const process_ of [...servers, ...crashable]) process_.kill("SIGKILL");
  if (folder) rmSync(folder, { recursive: true, force: true });
}

/**
 * Opens a page in a browser context of its own. Returns the page, the errors seen on it, its
 * requests, and a function that opens further tabs of the same context.
 */
export async function open(path, { at = url, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const faults = [];
  const requests = [];
  const tab = async (to = path) => {
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    page.on("request", (request) => requests.push(request));
    await page.goto(at + to);
    return page;
  };
  return { page: await tab(), tab, faults, requests, close: () => context.close() };
}

/** Calls the API directly, not by the page. */
export async function call(path, { at = url, method = "GET", key, body } = {}) {
  const headers = { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...(body === undefined ? {} : { "content-type": "application/json" }) };
  const response = await fetch(at + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
  return response.json();
}

/** Polls until `ask` returns something, and returns that. */
export async function until(what, ask) {
  for (const end = Date.now() + 300_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const found = await ask();
    if (found) return found;
  }
  assert.fail(`timed out while waiting for ${what}`);
}

export async function keep(page, name) {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`), animations: "disabled" });
}

export const DRAWINGS = {
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

/** Draws with the mouse on a square in the middle of the pad. */
export async function draw(page, selector, strokes) {
  const box = await page.locator(selector).boundingBox();
  const side = Math.min(box.width, box.height);
  const [left, top] = [box.x + (box.width - side) / 2, box.y + (box.height - side) / 2];
  for (const stroke of strokes) {
    const [[x, y], ...rest] = stroke.map(([a, b]) => [left + a * side, top + b * side]);
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (const [a, b] of rest) await page.mouse.move(a, b, { steps: 4 });
    await page.mouse.up();
  }
}

/**
 * Collects the answers of all searches that a page makes from now on, the newest last.
 * `waiting` counts the searches without an answer.
 */
export function searches(page) {
  const answers = Object.assign([], { waiting: 0 });
  page.on("request", async (request) => {
    if (!request.url().includes("/api/search/hybrid")) return;
    answers.waiting += 1;
    try {
      const response = await request.response();
      if (response?.ok()) answers.push(await response.json());
    } catch {
      // The page aborts a search when a newer one starts.
    } finally {
      answers.waiting -= 1;
    }
  });
  return answers;
}

/** Waits until all searches are answered and shown. Returns the last answer. */
export async function settled(page, answers) {
  // The status says "searching" as soon as something changed.
  await page.waitForFunction(() => /picture/.test(document.querySelector("#search-status")?.textContent ?? ""));
  while (answers.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return answers.at(-1);
}

/** Checks that axe finds no serious problem of accessibility. */
export async function checkAccessible(page, name) {
  // In the middle of a change between light and dark, colours are neither.
  const isStill = () => document.getAnimations().every((animation) => !(animation instanceof CSSTransition));
  await page.waitForFunction(isStill, undefined, { timeout: 120_000 });
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const reasons = (node) => node.any.map(({ message }) => message).join(", ");
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} (${reasons(node)})`).join(" | ")}`);
  assert.deepEqual(told, [], name);
}

/** What a store of the browser's database has of the drawing of a tab; undefined for nothing. */
export function stored(page, store) {
  return page.evaluate(async (store) => {
    const opening = indexedDB.open("clippy");
    const database = await new Promise((resolve) => (opening.onsuccess = () => resolve(opening.result)));
    const got = database.transaction(store).objectStore(store).get(sessionStorage.getItem("clippy.document"));
    const found = await new Promise((resolve) => (got.onsuccess = () => resolve(got.result)));
    database.close();
    return found;
  }, store);
}

/** Waits until this number of strokes is stored. */
export const isStored = (page, count) => until(`${count} stored strokes`, async () => ((await stored(page, "shelf"))?.strokes ?? 0) === count);

/** A picture of the demo gallery, by its subject and style. */
export function pictureOf(subject, style) {
  const lines = readFileSync(join(data, "demo/manifest.jsonl"), "utf8").split("\n").filter(Boolean);
  const row = lines.map((line) => JSON.parse(line)).find((one) => one.subject === subject && one.style === style);
  assert.ok(row, `the demo has a ${subject} in ${style}`);
  return readFileSync(join(data, "demo", row.local_path));
}

/** Checks that a view is not wider than the screen. */
export async function checkWidth(view) {
  const { wide, screen } = await view.evaluate((element) => ({ wide: element.getBoundingClientRect().right, screen: window.innerWidth }));
  assert.ok(wide <= screen, `${wide} of ${screen}: the view is wider than the screen`);
}
