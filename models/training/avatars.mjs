// Draws avatars in the styles of DiceBear, one SVG file each: `node avatars.mjs OUT COUNT`, in a folder where
// `npm install @dicebear/core@9.4.3 @dicebear/collection@9.4.3` was run. Only styles under CC0 1.0 or CC BY 4.0.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";

const require = createRequire(join(process.cwd(), "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)));

const STYLES = [
  "adventurer", "bigEars", "bigSmile", "croodles", "dylan", "funEmoji", "lorelei", "micah", "miniavs",
  "notionists", "openPeeps", "personas", "pixelArt", "rings", "shapes", "thumbs", "toonHead",
];

const [out, count] = [process.argv[2], Number(process.argv[3])];
const { createAvatar } = await load("@dicebear/core");
const collection = await load("@dicebear/collection");
for (const style of STYLES) {
  mkdirSync(join(out, style), { recursive: true });
  for (let seed = 0; seed < count; seed++) {
    const avatar = createAvatar(collection[style], { seed: `${seed}`, size: 224 });
    writeFileSync(join(out, style, `${seed}.svg`), avatar.toString());
  }
}
