// Lets a page import a D2 diagram: `import flow from "…/flow.d2"` is its SVG.
//
// The `d2` executable must be on PATH. A drawing is kept beside Astro's other
// cached files under a digest of its source, so only edited ones are redrawn.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export default function d2({ cacheDir = "node_modules/.astro/d2" } = {}) {
  return {
    name: "d2",
    async load(id) {
      if (!id.endsWith(".d2")) return null;
      this.addWatchFile(id);
      const svg = await draw(id, cacheDir);
      return `export default ${JSON.stringify(inline(svg))};`;
    },
  };
}

async function draw(source, cacheDir) {
  const text = await readFile(source);
  const key = createHash("sha256").update(text).digest("hex").slice(0, 32);
  const drawing = join(cacheDir, `${key}.svg`);
  try {
    return await readFile(drawing, "utf8");
  } catch (cause) {
    if (cause.code !== "ENOENT") throw cause;
  }
  await mkdir(cacheDir, { recursive: true });
  // Drawn under another name first: a build beside this one may read the cache.
  const draft = join(cacheDir, `${key}.${process.pid}.svg`);
  try {
    await run("d2", [source, draft]);
  } catch (cause) {
    const hint = cause.code === "ENOENT" ? "`d2` is not on PATH, see https://d2lang.com" : cause.stderr || cause.message;
    throw new Error(`cannot draw ${source}: ${hint}`, { cause });
  }
  await rename(draft, drawing);
  return readFile(drawing, "utf8");
}

/** The drawing as an element of an HTML page, free to shrink. */
export function inline(svg) {
  return svg
    .slice(svg.indexOf("<svg"))
    .replace(/^<svg\b/, '<svg role="img" class="d2"');
}
