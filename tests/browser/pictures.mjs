// Converts the screenshots in the folder CLIPPY_SCREENSHOTS to small WebP pictures for the
// documentation: those that are named, or all of them.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const from = process.env.CLIPPY_SCREENSHOTS;
const into = new URL("../../docs/images/", import.meta.url);
const NAMES = [
  "studio-light", "studio-dark", "details-light", "generating-light", "compare-light", "bench-light", "history-light", "map-light", "admin-light",
  "phone-draw-dark", "phone-find-dark", "phone-references-dark", "phone-generate-dark",
];

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();
const named = process.argv.slice(2);
for (const name of named.length > 0 ? named : NAMES) {
  const png = readFileSync(join(from, `${name}.png`)).toString("base64");
  const width = name.startsWith("phone") ? 390 : 1200;
  const webp = await page.evaluate(async ([png, width]) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, Math.round((image.height * width) / image.width)];
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/webp", 0.8).split(",")[1];
  }, [png, width]);
  writeFileSync(new URL(`${name}.webp`, into), Buffer.from(webp, "base64"));
}
await browser.close();
