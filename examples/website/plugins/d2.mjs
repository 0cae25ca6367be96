// Lets a page import a D2 diagram: `import flow from "…/flow.d2"` is its SVG.
//
// The `d2` executable must be on PATH. A drawing is kept under a digest of its
// source and of the program that drew it, so only edited ones are redrawn.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export default function d2({ cacheDir = "node_modules/.cache/d2" } = {}) {
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
  const program = await find("d2");
  if (!program) throw new Error(`cannot draw ${source}: \`d2\` is not on PATH, see https://d2lang.com`);
  const key = createHash("sha256")
    .update(`${program.size} ${program.mtimeMs}\n`)
    .update(await readFile(source))
    .digest("hex")
    .slice(0, 32);
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
    await run(program.path, [source, draft]);
  } catch (cause) {
    throw new Error(`cannot draw ${source}: ${cause.stderr || cause.message}`, { cause });
  }
  await rename(draft, drawing);
  return readFile(drawing, "utf8");
}

/** An executable on PATH, with what tells it from another one. */
async function find(name) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found?.isFile()) return { path, size: found.size, mtimeMs: found.mtimeMs };
  }
  return null;
}

/** The drawing as an element of an HTML page, free to shrink. */
export function inline(svg) {
  return svg
    .slice(svg.indexOf("<svg"))
    .replace(/^<svg\b/, '<svg role="img" class="d2"');
}
