// Checks that the scripts of the first load are at most 150 KB of gzip, with the paper at most
// 200 KB, and that each gzipped file has the content of the file beside it.

import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const LIMIT = 150 * 1000;
/** What must arrive before an artist can draw. */
const PAD_LIMIT = 200 * 1000;
const PAPER = "src/pad/paper.tsx";
const folder = new URL("../dist/client/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", folder), "utf8"));

const seen = new Set();
function collect(key) {
  if (seen.has(key)) return;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) collect(next);
}
const entries = Object.keys(manifest).filter((key) => manifest[key].isEntry);
entries.forEach(collect);

const kilobytes = (bytes) => (bytes / 1000).toFixed(1);
const size = (name) => readFileSync(new URL(`${name}.gz`, folder)).length;
const scripts = [...seen].map((key) => manifest[key].file).filter((file) => file.endsWith(".js"));
const total = scripts.reduce((sum, file) => sum + size(file), 0);
const later = Object.values(manifest)
  .map((chunk) => chunk.file)
  .filter((file) => file.endsWith(".js") && !scripts.includes(file));

const withPaper = total + size(manifest[PAPER].file);

console.log(
  `first load: ${scripts.length} scripts, ${kilobytes(total)} KB gzipped`,
  `(at most ${LIMIT / 1000}); with the paper ${kilobytes(withPaper)} (at most ${PAD_LIMIT / 1000})`,
);
for (const file of new Set(later)) {
  console.log(`later: ${file}, ${kilobytes(size(file))} KB gzipped`);
}
for (const name of readdirSync(folder, { recursive: true })) {
  if (!name.endsWith(".gz")) continue;
  const plain = readFileSync(new URL(name.slice(0, -3), folder));
  if (!gunzipSync(readFileSync(new URL(name, folder))).equals(plain)) {
    console.error(`${name} differs from the file beside it`);
    process.exit(1);
  }
}
if (entries.length === 0 || total > LIMIT || withPaper > PAD_LIMIT) {
  console.error("the first load is too large; load parts of it later with import()");
  process.exit(1);
}
