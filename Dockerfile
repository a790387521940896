# One image for the API and for workers. libtorch stays where it was linked from, so the binary is built in the image
# that runs it; what the build alone needs is removed in the same layer.
FROM node:20-bookworm-slim AS client
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web .
RUN npm run build

FROM rust:1.95-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv g++ make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /build
COPY . .
COPY --from=client /web/dist/client web/dist/client
RUN make release \
    && install -m 755 "$(dirname "$(scripts/program.sh)")/../release/clippy" /usr/local/bin/clippy \
    && cargo clean \
    && rm -rf /usr/local/cargo/registry

WORKDIR /data
ENV DATA_DIR=/data
EXPOSE 8000
ENTRYPOINT ["clippy"]
CMD ["serve", "--bind", "0.0.0.0:8000"]
