import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Writes a gzipped file beside each text file, so that the server never compresses. */
function gzipped(): Plugin {
  return {
    name: "clippy-gzipped",
    apply: "build",
    // After all files are written: until then Vite still puts file names into the scripts.
    writeBundle({ dir }, bundle) {
      if (dir === undefined) this.error("there is no output folder");
      for (const name of Object.keys(bundle)) {
        if (!/\.(html|js|css|svg)$/.test(name)) continue;
        const file = join(dir, name);
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
      }
    },
  };
}

/** Lets the browser load the paper together with the page, instead of after the page's scripts. */
function preloadedPaper(): Plugin {
  return {
    name: "clippy-preloaded-paper",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle = {} }) {
        const paper = Object.values(bundle).find(
          (chunk) => chunk.type === "chunk" && chunk.facadeModuleId?.endsWith("/pad/paper.tsx"),
        );
        if (paper === undefined) throw new Error("there is no chunk of the paper");
        const href = `./${paper.fileName}`;
        return [{ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href } }];
      },
    },
  };
}

/** What the first load consists of, beside the shell: few files, since each costs a round trip. */
const LIBRARIES =
  /node_modules[\\/](?:react|react-dom|scheduler|zustand|@tanstack|tailwind-merge|clsx|class-variance-authority|openapi-fetch)[\\/]/;
const STATE = /src[\\/](?:lib|state|api|references|jobs)[\\/][\w-]+\.ts$/;

const server = process.env["CLIPPY_SERVER"] ?? "http://127.0.0.1:8000";
const proxy = Object.fromEntries(
  ["/api", "/image", "/docs", "/livez", "/readyz", "/healthz"].map((path) => [
    path,
    // Without keys, the server accepts calls from its own pages only.
    { target: server, changeOrigin: true, headers: { origin: server } },
  ]),
);

export default defineConfig({
  plugins: [react(), tailwindcss(), preloadedPaper(), gzipped()],
  // The server may be under a sub-path of its host, so all URLs are relative to the page.
  base: "./",
  resolve: { tsconfigPaths: true },
  server: { proxy },
  preview: { proxy },
  build: {
    // The folder above is in the repository, so that cargo can watch it before there is a client.
    outDir: "dist/client",
    emptyOutDir: true,
    manifest: true,
    // The server's policy allows no inline scripts, and images from data URLs only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "base", test: LIBRARIES },
            { name: "state", test: STATE },
          ],
        },
      },
    },
    target: "es2022",
    chunkSizeWarningLimit: 600,
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.ts", "src/**/*.test.tsx"],
    restoreMocks: true,
  },
});
