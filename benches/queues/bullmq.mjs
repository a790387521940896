// BullMQ's figures, as ../jobs.rs explains them. Started by that benchmark, with REDIS_PORT.
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Queue, QueueEvents, Worker } from "bullmq";

const connection = { host: "127.0.0.1", port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null };
const payload = { prompt: "a fox in the snow, ".repeat(5), count: 4 };
const now = () => performance.timeOrigin + performance.now();

if (process.argv[2] === "worker") {
  new Worker("bench", async () => ({ begun: now() }), { connection, concurrency: 16 });
} else {
  const queue = new Queue("bench", { connection, defaultJobOptions: { attempts: 3, removeOnComplete: { count: 20000 } } });

  const add = async (callers, count) => {
    const begun = now();
    const calls = Array.from({ length: callers }, async () => {
      for (let i = 0; i < count / callers; i++) await queue.add("generate", payload);
    });
    await Promise.all(calls);
    return count / ((now() - begun) / 1000);
  };
  const worker = () => fork(fileURLToPath(import.meta.url), ["worker"]);
  const drained = async (count) => {
    let begun = null;
    for (;;) {
      const { waiting, active } = await queue.getJobCounts("waiting", "active");
      if (begun === null && waiting < count) begun = [now(), count - waiting - active];
      if (begun !== null && waiting + active === 0) return (count - begun[1]) / ((now() - begun[0]) / 1000);
      await new Promise((done) => setTimeout(done, 10));
    }
  };

  const serial = await add(1, 5000);
  const parallel = await add(32, 20000);
  const cycles = [];
  for (const workers of [1, 2]) {
    await queue.obliterate({ force: true });
    await add(32, 20000);
    const running = Array.from({ length: workers }, worker);
    cycles.push(await drained(20000));
    running.forEach((one) => one.kill("SIGKILL"));
  }
  await queue.obliterate({ force: true });
  const running = worker();
  const events = new QueueEvents("bench", { connection });
  await events.waitUntilReady();
  const pickups = [];
  for (let i = 0; i < 300; i++) {
    await new Promise((done) => setTimeout(done, 20));
    const sent = now();
    const job = await queue.add("generate", payload);
    const { begun } = await job.waitUntilFinished(events);
    pickups.push(begun - sent);
  }
  running.kill("SIGKILL");
  const sorted = pickups.slice(30).sort((a, b) => a - b);
  const rank = (share) => Math.round(sorted[Math.round((sorted.length - 1) * share)] * 1000) / 1000;
  const { version } = JSON.parse(readFileSync(new URL("node_modules/bullmq/package.json", import.meta.url)));
  console.log(JSON.stringify({
    queue: `BullMQ ${version}`,
    adds_per_second_1: Math.round(serial),
    adds_per_second_32: Math.round(parallel),
    cycles_per_second_1_worker: Math.round(cycles[0]),
    cycles_per_second_2_workers: Math.round(cycles[1]),
    pickup_ms_p50: rank(0.5),
    pickup_ms_p99: rank(0.99),
  }));
  process.exit(0);
}
