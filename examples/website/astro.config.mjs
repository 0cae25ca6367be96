import { defineConfig } from "astro/config";
import d2 from "./plugins/d2.mjs";

export default defineConfig({
  site: "https://poniard.example",
  trailingSlash: "always",
  vite: { plugins: [d2()] },
});
