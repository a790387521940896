#!/bin/sh
# Installs the queues that `cargo bench -p clippy-jobs --bench jobs` compares with, into this folder.
set -eu
cd "$(dirname "$0")"
npm install --no-save --no-package-lock --ignore-scripts bullmq@5.81.5
python3 -m venv venv
venv/bin/pip install --quiet celery==5.7.0 rq==3.0.0 redis==8.1.0
