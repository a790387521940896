// The first load, before the pad: everything that the page's own script needs at once, gzipped, in at most 300 KB. And
// what is sent gzipped must be the same as what is sent plain.

import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const LIMIT = 300 * 1000;
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

const size = (name) => readFileSync(new URL(`${name}.gz`, folder)).length;
const scripts = [...seen].map((key) => manifest[key].file).filter((file) => file.endsWith(".js"));
const total = scripts.reduce((sum, file) => sum + size(file), 0);
const later = Object.values(manifest).map((chunk) => chunk.file).filter((file) => file.endsWith(".js") && !scripts.includes(file));

console.log(`first load: ${scripts.length} scripts, ${(total / 1000).toFixed(1)} KB gzipped (at most ${LIMIT / 1000})`);
for (const file of new Set(later)) console.log(`later: ${file}, ${(size(file) / 1000).toFixed(1)} KB gzipped`);
for (const name of readdirSync(folder, { recursive: true })) {
  if (!name.endsWith(".gz")) continue;
  const plain = readFileSync(new URL(name.slice(0, -3), folder));
  if (!gunzipSync(readFileSync(new URL(name, folder))).equals(plain)) {
    console.error(`${name} holds something else than the file beside it`);
    process.exit(1);
  }
}
if (entries.length === 0 || total > LIMIT) {
  console.error("the first load is too large: load parts of it later, with import()");
  process.exit(1);
}
