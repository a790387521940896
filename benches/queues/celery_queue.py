"""Celery's figures, as ../jobs.rs explains them. Started by that benchmark, with REDIS_PORT."""

import os
import sys
import time

import celery
import redis

URL = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/0"
app = celery.Celery("celery_queue", broker=URL, backend=URL)
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, worker_hijack_root_logger=False)


@app.task(name="generate")
def generate(payload):
    return time.time()


def main():
    from measure import measure

    client = redis.Redis.from_url(URL)
    worker = [
        sys.executable,
        "-m",
        "celery",
        "--app",
        "celery_queue",
        "--workdir",
        os.path.dirname(os.path.abspath(__file__)),
        "worker",
        "--pool",
        "threads",
        "--concurrency",
        "16",
        "--without-gossip",
        "--without-mingle",
        "--loglevel",
        "ERROR",
    ]
    measure(
        f"Celery {celery.__version__}",
        client,
        generate.delay,
        lambda: (client.llen("celery"), client.hlen("unacked")),
        lambda result: result.get(),
        worker,
    )


if __name__ == "__main__":
    main()
