import { chromium } from "playwright-core";
const url = process.env.URL ?? "http://127.0.0.1:18701";
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
page.on("pageerror", (e) => console.log("PAGEERROR", e.message));
page.on("console", (m) => ["error","warning"].includes(m.type()) && console.log("CONSOLE", m.type(), m.text()));
await page.goto(url);
await page.waitForTimeout(2500);
await page.screenshot({ path: "/tmp/w/web/shots/empty.png" });
const box = await page.locator("#paper").boundingBox();
const strokes = [
  Array.from({ length: 33 }, (_, i) => { const t = (i / 32) * 2 * Math.PI - Math.PI / 2; const dent = 0.1 * Math.exp(-((Math.atan2(Math.cos(t), -Math.sin(t)) / 0.45) ** 2)); return [0.5 + (0.33 - 0.02 * Math.sin(t)) * Math.cos(t), 0.58 + 0.3 * Math.sin(t) + dent]; }),
  [[0.5, 0.38], [0.52, 0.26], [0.56, 0.18]],
  [[0.55, 0.24], [0.63, 0.16], [0.73, 0.16], [0.68, 0.25], [0.55, 0.24]],
];
for (const s of strokes) { const [[x,y],...r] = s.map(([a,b])=>[box.x+a*box.width, box.y+b*box.height]); await page.mouse.move(x,y); await page.mouse.down(); for (const [a,b] of r) await page.mouse.move(a,b,{steps:4}); await page.mouse.up(); }
await page.locator("#results li").first().waitFor();
await page.waitForTimeout(2500);
await page.screenshot({ path: "/tmp/w/web/shots/drawn.png" });
console.log(await page.locator("#search-status").textContent());
await browser.close();
