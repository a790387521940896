"""RQ's figures, as ../jobs.rs explains them. Started by that benchmark, with REDIS_PORT."""

import os
import sys
import time

import redis
import rq

URL = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/0"


def generate(payload):
    return time.time()


def main():
    import rq_queue
    from measure import measure

    client = redis.Redis.from_url(URL)
    queue = rq.Queue("bench", connection=client)

    def begun_at(job):
        while (result := job.latest_result()) is None:
            time.sleep(0.002)
        return result.return_value

    worker = [
        sys.executable,
        "-m",
        "rq.cli",
        "worker",
        "--worker-class",
        "rq.SimpleWorker",
        "--url",
        URL,
        "--quiet",
        "--path",
        os.path.dirname(os.path.abspath(__file__)),
        "bench",
    ]
    measure(
        f"RQ {rq.VERSION}",
        client,
        lambda payload: queue.enqueue(rq_queue.generate, payload),
        lambda: (queue.count, queue.started_job_registry.count),
        begun_at,
        worker,
    )


if __name__ == "__main__":
    main()
