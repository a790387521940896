# syntax=docker/dockerfile:1
# Two images from one file: `docker build --target cpu .` and `docker build --target cuda .` (the
# last one is cpu, which a build without a target makes). Both hold the program, its model and
# libtorch; compilers stay in the build stages. tests/packaging runs every line of it without a
# container engine.

FROM node:20-bookworm-slim AS client
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web .
RUN npm run build

FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
COPY --from=client /web/dist/client web/dist/client
ARG CLIPPY_PROFILE=release
# The archive without its number, so that the next stage need not know it.
RUN scripts/package.sh archive wheel \
    && mv dist/clippy-*-linux dist/clippy

FROM python:3.12-slim-bookworm AS cuda
COPY --from=build /build/dist/*.whl /tmp/
# PyTorch's wheel brings libtorch and CUDA's libraries; the driver comes from the host.
RUN python -m venv /opt/clippy \
    && /opt/clippy/bin/pip install --no-cache-dir /tmp/clippy_studio-*.whl \
    && rm /tmp/clippy_studio-*.whl
RUN useradd --uid 10001 --home-dir /data --shell /usr/sbin/nologin clippy \
    && install -d -o clippy -g clippy /data /pictures
ENV PATH=/opt/clippy/bin:$PATH DATA_DIR=/data HOME=/data NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && grep -q '^HTTP/1.1 200' <&3"]
ENTRYPOINT ["clippy"]
CMD ["serve", "--bind", "0.0.0.0:8000"]

FROM debian:bookworm-slim AS cpu
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /build/dist/clippy /opt/clippy
RUN useradd --uid 10001 --home-dir /data --shell /usr/sbin/nologin clippy \
    && install -d -o clippy -g clippy /data /pictures
ENV PATH=/opt/clippy/bin:$PATH DATA_DIR=/data HOME=/data
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && grep -q '^HTTP/1.1 200' <&3"]
ENTRYPOINT ["clippy"]
CMD ["serve", "--bind", "0.0.0.0:8000"]
