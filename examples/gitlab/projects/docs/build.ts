// As small as a build may be: a page with a diagram.
import { mkdir } from "node:fs/promises";
import { $ } from "bun";

await mkdir("dist", { recursive: true });
await $`d2 flow.d2 dist/flow.svg`;
await Bun.write("dist/index.html", "<!doctype html><title>Docs</title><img src=flow.svg alt=flow>\n");
