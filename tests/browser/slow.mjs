// A slow connection, and one that loses parts of the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { draw, DRAWINGS, open } from "./harness.mjs";

// 400 kbit/s with 400 ms for each answer, the profile that browsers call "Slow 3G".
const SLOW = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };

test("on a slow connection the pad is there within 6 s, and the document is fetched once", async () => {
  // The network takes 5 s. What the machine itself takes is measured without it, and half a second of that is allowed.
  // Other work only adds to the times, so the best of three counts.
  const alone = Math.min(await load(null), await load(null));
  const limit = 5500 + Math.max(500, alone);
  let took = Infinity;
  for (let attempt = 0; attempt < 3 && took >= limit; attempt += 1) took = Math.min(took, await load(SLOW));
  assert.ok(took < limit, `the pad was there after ${took} ms, and after ${alone} ms without a slow network`);
});

/** Loads the page on a connection, checks what was loaded, and returns when the pad was there. */
async function load(connection) {
  const { page, tab, close } = await open("/plain");
  const address = new URL("/", page.url()).href;
  const slow = await tab("/livez");
  const protocol = await slow.context().newCDPSession(slow);
  await protocol.send("Network.enable");
  await protocol.send("Network.setCacheDisabled", { cacheDisabled: true });
  if (connection !== null) await protocol.send("Network.emulateNetworkConditions", connection);
  const asked = [];
  slow.on("request", (request) => asked.push(request.url()));
  const begun = Date.now();
  await slow.goto(address, { waitUntil: "commit" });
  await slow.locator("#paper canvas").first().waitFor();
  const took = Date.now() - begun;
  // All that was needed came compressed.
  const parts = await slow.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => /\.(?:js|css)$/.test(name)).map(({ name, encodedBodySize, decodedBodySize }) => ({ name, encodedBodySize, decodedBodySize })));
  assert.deepEqual(parts.filter((part) => part.decodedBodySize > 2000 && part.encodedBodySize >= part.decodedBodySize), []);
  await draw(slow, "#paper", DRAWINGS.apple.slice(0, 1));
  await slow.getByRole("img", { name: /Sketch pad with 1 stroke/ }).waitFor();
  // The rest of the page arrives later.
  await slow.getByLabel("Words", { exact: true }).waitFor();
  await slow.getByRole("button", { name: "Brush", exact: true }).waitFor();
  assert.equal(asked.filter((url) => url === address).length, 1, asked.join("\n"));
  const twice = asked.filter((url, place) => url.includes("/assets/") && asked.indexOf(url) !== place);
  assert.deepEqual(twice, []);
  await close();
  return took;
}

test("a part of the page that could not be loaded is loaded again, and the pad works meanwhile", async () => {
  const { page, tab, close } = await open("/plain");
  const address = new URL("/", page.url()).href;
  const broken = await tab("/livez");
  const parts = /\/assets\/(?:panel|toolbar|bar|header-buttons)-/;
  let refused = 0;
  await broken.route(parts, (route) => {
    refused += 1;
    return route.abort();
  });
  await broken.goto(address);
  await broken.locator("#paper canvas").first().waitFor();
  await draw(broken, "#paper", DRAWINGS.apple);
  await broken.getByRole("img", { name: /Sketch pad with 3 strokes/ }).waitFor();
  assert.ok(refused >= 4, `${refused} parts`);
  assert.equal(await broken.getByLabel("Words", { exact: true }).count(), 0);
  await broken.unroute(parts);
  await broken.getByLabel("Words", { exact: true }).waitFor();
  await broken.getByRole("button", { name: "Brush", exact: true }).waitFor();
  await broken.getByRole("button", { name: "Add pictures" }).waitFor();
  await broken.getByRole("img", { name: /Sketch pad with 3 strokes/ }).waitFor();
  await close();
});
