// Checks the imports of the client: folders import from lower folders only, and no files import
// each other in a circle. `npm run check` runs it.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The folders of `src`, lowest first. The files of `src` itself are above all of them. */
const ORDER = [
  "lib",
  "state",
  "api",
  "ui",
  "pad",
  "references",
  "jobs",
  "documents",
  "gallery",
  "find",
  "map",
  "make",
  "tray",
  "bench",
  "add",
  "boards",
  "history",
  "admin",
  "shell",
];
const ROOT = "";

const source = fileURLToPath(process.argv[2] ?? new URL("../src/", import.meta.url));
const names = readdirSync(source, { recursive: true }).map((name) => name.replaceAll("\\", "/"));
const files = names.filter((name) => /\.tsx?$/.test(name));
const known = new Set(files);
const faults = [];

function folderOf(file) {
  return file.includes("/") ? file.slice(0, file.indexOf("/")) : ROOT;
}

function rankOf(folder) {
  return folder === ROOT ? ORDER.length : ORDER.indexOf(folder);
}

/** The file that a specifier names, or null for a package. */
function resolve(file, specifier) {
  const path = specifier.startsWith("@/")
    ? specifier.slice(2)
    : specifier.startsWith(".")
      ? relative(source, join(source, dirname(file), specifier))
      : null;
  if (path === null) return null;
  const plain = normalize(path).replaceAll("\\", "/");
  const endings = ["", ".ts", ".tsx", ".d.ts", "/index.ts", "/index.tsx"];
  return endings.map((ending) => `${plain}${ending}`).find((name) => known.has(name)) ?? null;
}

/** The specifiers of static and dynamic imports, and of exports from other files. */
function specifiersOf(text) {
  const patterns = [
    /^(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']/gm,
    /^import\s*["']([^"']+)["']/gm,
    /\bimport\(\s*["']([^"']+)["']\s*\)/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, found]) => found));
}

const imports = new Map(
  files.map((file) => {
    const specifiers = specifiersOf(readFileSync(join(source, file), "utf8"));
    const targets = specifiers.map((specifier) => resolve(file, specifier));
    return [file, [...new Set(targets.filter((target) => target !== null))]];
  }),
);

for (const folder of new Set(files.map(folderOf))) {
  if (rankOf(folder) < 0) faults.push(`${folder}/ is not listed in scripts/check-imports.mjs`);
}
for (const [file, targets] of imports) {
  const from = folderOf(file);
  for (const target of targets) {
    const to = folderOf(target);
    if (to !== from && rankOf(to) >= rankOf(from)) {
      faults.push(`${file} imports ${target}, but ${from || "src"} is not above ${to || "src"}`);
    }
  }
}

/** Depth-first search: an import of a file that is still open closes a circle. */
const state = new Map();
function visit(file, path) {
  if (state.get(file) === "done") return;
  if (state.get(file) === "open") {
    const circle = [...path.slice(path.indexOf(file)), file];
    faults.push(`a circle of imports: ${circle.join(" -> ")}`);
    return;
  }
  state.set(file, "open");
  for (const target of imports.get(file)) visit(target, [...path, file]);
  state.set(file, "done");
}
for (const file of files) visit(file, []);

for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.log(`imports: ${files.length} files in ${ORDER.length} folders, one direction, no circle`);
