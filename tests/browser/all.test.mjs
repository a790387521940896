// One server and one browser for all tests: drawing and embedding the demo gallery takes a while.

import { after, before } from "node:test";

import { start, stop } from "./harness.mjs";

before(start);
after(stop);

await import("./preparing.mjs");
await import("./client.mjs");
await import("./tabs.mjs");
await import("./keyed.mjs");
await import("./plain.mjs");
await import("./empty.mjs");
await import("./tags.mjs");
await import("./styles.mjs");
await import("./library.mjs");
