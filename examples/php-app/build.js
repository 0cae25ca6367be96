// Builds what browsers load, with a manifest of the names that PHP asks for.
import { build } from "esbuild";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";

const { metafile } = await build({
  entryPoints: ["resources/app.js"],
  bundle: true,
  minify: true,
  entryNames: "[name]-[hash]",
  outdir: "web/dist",
  metafile: true,
});
const names = Object.entries(metafile.outputs).map(([file, { entryPoint }]) => [basename(entryPoint), basename(file)]);
await writeFile("web/dist/manifest.json", JSON.stringify(Object.fromEntries(names)));
