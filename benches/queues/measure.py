"""Measures the two Python queues. ../jobs.rs explains the figures."""

import json
import subprocess
import threading
import time

SERIAL_ADDS, PARALLEL_ADDS, CYCLES, PICKUPS, CALLERS = 1_000, 3_200, 3_200, 100, 32
PAYLOAD = {"prompt": "a fox in the snow, " * 5, "count": 4}


def added(add, callers, count):
    """Measures the jobs added in a second by this many threads."""

    def call():
        for _ in range(count // callers):
            add(PAYLOAD)

    begun = time.perf_counter()
    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.perf_counter() - begun)


def drained(left, count):
    """Jobs run to their end in a second, from the first one taken until none is left. `left` gives (waiting, running)."""
    begun = None
    while True:
        waiting, running = left()
        if begun is None and waiting < count:
            begun = (time.perf_counter(), count - waiting - running)
        if begun is not None and waiting + running == 0:
            return (count - begun[1]) / (time.perf_counter() - begun[0])
        time.sleep(0.01)


def measure(name, redis, add, left, begun_at, worker):
    """`add` adds a job; `begun_at` waits for one and gives the time its handler ran; `worker` is a worker's command."""
    serial = added(add, 1, SERIAL_ADDS)
    parallel = added(add, CALLERS, PARALLEL_ADDS)
    cycles = []
    for workers in (1, 2):
        redis.flushall()
        added(add, CALLERS, CYCLES)
        running = [
            subprocess.Popen(worker, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(workers)
        ]
        cycles.append(drained(left, CYCLES))
        for one in running:
            one.kill()
            one.wait()
    redis.flushall()
    running = subprocess.Popen(worker, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pickups = []
    for _ in range(PICKUPS):
        time.sleep(0.02)
        sent = time.time()
        pickups.append((begun_at(add(PAYLOAD)) - sent) * 1000)
    running.kill()
    pickups = sorted(pickups[PICKUPS // 10 :])
    print(
        json.dumps(
            {
                "queue": name,
                "adds_per_second_1": round(serial),
                "adds_per_second_32": round(parallel),
                "cycles_per_second_1_worker": round(cycles[0]),
                "cycles_per_second_2_workers": round(cycles[1]),
                "pickup_ms_p50": round(pickups[len(pickups) // 2], 3),
                "pickup_ms_p99": round(pickups[round((len(pickups) - 1) * 0.99)], 3),
            }
        )
    )
