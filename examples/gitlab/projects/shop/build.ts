// As small as a build may be: a page without a framework.
import { mkdir } from "node:fs/promises";

await mkdir("dist", { recursive: true });
await Bun.write("dist/index.html", "<!doctype html><title>Shop</title><h1>Shop</h1>\n");
