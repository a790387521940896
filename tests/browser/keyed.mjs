// A server with keys under a sub-path: no address contains a key. And a picture that is replaced.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { call, keep, open, serve, until } from "./harness.mjs";

const KEY = "artist-secret-1";
const ADMIN = "admin-secret-2";
const COLOURS = ["#c0392b", "#2980b9", "#27ae60", "#f39c12"];

/** Writes a picture of one colour. */
async function paint(page, file, colour) {
  const png = await page.evaluate((colour) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [96, 96];
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, 96, 96);
    context.fillStyle = colour;
    context.fillRect(16, 16, 64, 64);
    return canvas.toDataURL().split(",")[1];
  }, colour);
  writeFileSync(file, Buffer.from(png, "base64"));
}

async function ingest(at) {
  const { id } = await call("/api/admin/ingest", { at, method: "POST", key: ADMIN, body: { manifest: "small/manifest.jsonl" } });
  const job = await until("the ingest", async () => {
    const found = await call(`/api/jobs/${id}`, { at, key: ADMIN });
    return ["succeeded", "failed"].includes(found.state) && found;
  });
  assert.equal(job.state, "succeeded", JSON.stringify(job));
}

/** Returns the colour in the middle of the first result. */
const shown = (page) =>
  page.evaluate(() => {
    const image = document.querySelector("#results img");
    if (!(image?.naturalWidth > 0)) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return [...context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data.slice(0, 3)];
  });

const near = (colour, hex) => colour !== null && [1, 3, 5].every((at, index) => Math.abs(Number.parseInt(hex.slice(at, at + 2), 16) - colour[index]) < 24);

test("keys go in headers, addresses hold tickets, everything works under a sub-path; a replaced picture is shown at once", async () => {
  const server = await serve({ API_KEYS: KEY, ADMIN_KEYS: ADMIN, BASE_PATH: "/studio" });
  const at = `${server.url}/studio`;
  const { page, tab, requests, faults, close } = await open("/", { at });
  const folder = join(server.data, "small");
  mkdirSync(folder);
  for (const [index, colour] of COLOURS.entries()) await paint(page, join(folder, `${index + 1}.png`), colour);
  const lines = COLOURS.map((_, index) => JSON.stringify({ id: index + 1, local_path: `${index + 1}.png`, tags_all: [`square_${index + 1}`], matched_tags: ["plain"] }));
  writeFileSync(join(folder, "manifest.jsonl"), `${lines.join("\n")}\n`);
  await ingest(at);

  // The page asks for a key at the start. Pictures are shown only with one.
  const dialog = page.getByRole("dialog");
  await dialog.getByText("This server needs one of its API_KEYS").waitFor();
  await page.keyboard.press("Escape");
  await page.getByLabel("Words", { exact: true }).fill("square 1");
  await page.getByRole("button", { name: "Enter a key" }).click();
  await dialog.getByLabel("Key", { exact: true }).fill(KEY);
  await dialog.getByText("The key stays in this browser's storage").waitFor();
  await keep(page, "key-light");
  await dialog.getByRole("button", { name: "Use key" }).click();
  await until("the first picture", async () => near(await shown(page), COLOURS[0]));

  // After the picture was replaced, the browser does not show its cached copy.
  await paint(page, join(folder, "1.png"), "#8e44ad");
  await ingest(at);
  await page.getByLabel("Words", { exact: true }).fill("square 1 again");
  await until("the new picture", async () => near(await shown(page), "#8e44ad"));

  // A job, its events and its pictures.
  await page.locator("#results > li").first().hover();
  await page.locator("#results > li").first().getByRole("button", { name: /as a reference/ }).click();
  await page.getByRole("tab", { name: /Generate/ }).click();
  await page.getByLabel("Pictures", { exact: true }).selectOption("1");
  await page.getByRole("button", { name: /^Generate 1 picture/ }).click();
  await page.locator('article[data-job][data-state="succeeded"]').first().waitFor({ timeout: 600_000 });
  await page.waitForFunction(() => document.querySelector("article[data-job] img")?.naturalWidth > 0);

  // Only this tab stores the admin's key.
  await page.getByRole("link", { name: "Admin" }).click();
  await page.getByRole("button", { name: "Enter a key" }).first().click();
  await dialog.getByLabel("Key", { exact: true }).fill(ADMIN);
  await dialog.getByText("Only this tab has the key").waitFor();
  await dialog.getByRole("button", { name: "Use key" }).click();
  await page.locator('tr[data-lane="bulk"]').waitFor();
  assert.ok(!(await page.evaluate(() => JSON.stringify(localStorage))).includes(ADMIN));
  await page.getByRole("link", { name: "Studio", exact: true }).click();
  await page.reload();
  await page.getByRole("tab", { name: /Find/ }).click();
  await until("the picture after a reload", async () => near(await shown(page), "#8e44ad"));
  const other = await tab("/#/admin");
  await other.getByRole("button", { name: "Enter a key" }).first().waitFor();

  // The plain page asks for the key itself.
  const plain = await tab("/plain");
  await plain.fill("#words", "square 2");
  await plain.getByLabel("Key").fill(KEY);
  await plain.getByRole("button", { name: "Use it" }).click();
  await plain.waitForFunction(() => document.querySelector("#results img")?.naturalWidth > 0);

  const addresses = requests.map((request) => request.url());
  const told = addresses.filter((address) => address.includes(KEY) || address.includes(ADMIN) || /[?&]key=/.test(address));
  assert.deepEqual(told, []);
  const ticketed = (part) => addresses.filter((address) => address.includes(part) && address.includes("ticket="));
  for (const part of ["/image/", "/api/jobs/events", "/images/0"]) assert.ok(ticketed(part).length > 0, `${part} with a ticket`);
  assert.deepEqual(addresses.filter((address) => address.startsWith(server.url) && !address.startsWith(`${at}/`)), []);
  assert.deepEqual(faults.filter((fault) => !/status of 40[13]/.test(fault)), []);
  await close();
});
