// The first load, before the pad: everything that the page's own script needs at once, gzipped, in at most 300 KB.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

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

const size = (name) => gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
const scripts = [...seen].map((key) => manifest[key].file).filter((file) => file.endsWith(".js"));
const total = scripts.reduce((sum, file) => sum + size(file), 0);
const later = Object.values(manifest).map((chunk) => chunk.file).filter((file) => file.endsWith(".js") && !scripts.includes(file));

console.log(`first load: ${scripts.length} scripts, ${(total / 1000).toFixed(1)} KB gzipped (at most ${LIMIT / 1000})`);
for (const file of new Set(later)) console.log(`later: ${file}, ${(size(file) / 1000).toFixed(1)} KB gzipped`);
if (entries.length === 0 || total > LIMIT) {
  console.error("the first load is too large: load parts of it later, with import()");
  process.exit(1);
}
