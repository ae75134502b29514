import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

function hashOf(file: string): string {
  return createHash("sha256")
    .update(readFileSync(new URL(file, import.meta.url)))
    .digest("base64url")
    .slice(0, 8);
}

export default defineConfig({
  plugins: [
    react(),
    {
      name: "theme-by-hash",
      // The control plane lets browsers keep files for ever; the name of this one must change with its content, as the bundles' names do.
      transformIndexHtml: (html) => html.replace("/theme.js", `/theme.js?${hashOf("public/theme.js")}`),
    },
    {
      name: "countersign-mock-api",
      apply: "serve",
      async configureServer(server) {
        const { MockApi } = await import("./dev/mock-api.ts");
        const api = new MockApi({ clock: Date.now, stepMs: 1500 });
        server.middlewares.use((request, response, next) => {
          if (!api.handle(request, response)) next();
        });
        server.httpServer?.once("close", () => api.close());
        server.httpServer?.once("listening", () =>
          console.log(`  Sign in: http://127.0.0.1:${server.config.server.port}/sign-in#demo`),
        );
      },
    },
  ],
  // Its package.json names a file for bundlers that is not in the package.
  resolve: { alias: { "@xterm/headless": "@xterm/headless/lib-headless/xterm-headless.mjs" } },
  build: {
    target: "es2024",
    // The page is served under `default-src 'self'`: nothing may become a data: URL or an inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { host: "127.0.0.1", port: 5178 },
});
