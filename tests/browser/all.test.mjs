// One server and one browser for all tests: drawing and embedding the demo gallery takes a while.

import { after, before } from "node:test";

import { start, stop } from "./harness.mjs";

before(start);
after(stop);

await import("./preparing.mjs");
await import("./client.mjs");
await import("./sketches.mjs");
await import("./tabs.mjs");
await import("./balance.mjs");
await import("./keyboard.mjs");
await import("./phone.mjs");
await import("./slow.mjs");
await import("./bench.mjs");
await import("./drop.mjs");
await import("./recovery.mjs");
await import("./history.mjs");
await import("./keyed.mjs");
await import("./plain.mjs");
await import("./empty.mjs");
await import("./tags.mjs");
await import("./styles.mjs");
await import("./gallery.mjs");
await import("./map.mjs");
await import("./library.mjs");
await import("./boards.mjs");
