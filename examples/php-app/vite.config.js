// Builds what browsers load, with a manifest of the names that PHP asks for.
import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  build: {
    outDir: "web/dist",
    manifest: "manifest.json",
    rollupOptions: { input: "resources/app.js" },
  },
});
