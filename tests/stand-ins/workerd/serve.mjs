// Runs versions of workers in workerd, each on a port of its own, by the same
// code as `wrangler dev`: miniflare with its asset worker and router.
//
// Lines of JSON come in: { id, ... } starts a version. Lines of JSON go out:
// { id, port } or { id, error }. Everything ends when the input does, the folders
// of assets included, so that nothing is left however the parent dies.

import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const require = createRequire(join(process.env.STAND_INS_NODE_MODULES, "serve.cjs"));
const { Miniflare, Log, LogLevel, convertV4MiniflareOptions } = require("miniflare");

const MODULES = {
  "application/javascript+module": "ESModule",
  "application/javascript": "CommonJS",
  "application/wasm": "CompiledWasm",
  "application/octet-stream": "Data",
  "text/plain": "Text",
};

/** Keeps what the runtime says while it starts: the reason why it does not. */
class Heard extends Log {
  lines = [];
  constructor() {
    super(LogLevel.ERROR);
  }
  log(message) {
    this.lines.push(message);
  }
}

function options({ name, date, flags, main, modules, bindings, assets }, log) {
  // The main module is the first one.
  const sorted = modules.toSorted((a, b) => (b.name === main) - (a.name === main));
  return {
    name,
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log,
    compatibilityDate: date,
    compatibilityFlags: flags,
    modulesRoot: "/",
    modules: sorted
      .filter((module) => module.type in MODULES)
      .map((module) => ({
        type: MODULES[module.type],
        path: `/${module.name}`,
        contents: Buffer.from(module.base64, "base64"),
      })),
    bindings,
    assets: assets ? {
      directory: assets.directory,
      binding: assets.binding ?? undefined,
      run_worker_first: assets.config.run_worker_first,
      routerConfig: { has_user_worker: main !== null },
      assetConfig: {
        html_handling: assets.config.html_handling,
        not_found_handling: assets.config.not_found_handling,
        base_path: assets.config.base_path,
      },
    } : undefined,
  };
}

/** A worker of assets alone has no code; the router asks it for nothing. */
const NO_CODE = {
  name: "index.js",
  type: "application/javascript+module",
  base64: Buffer.from("export default { fetch: () => new Response(null, { status: 404 }) }").toString("base64"),
};

const running = [];
const folders = [];

async function start(version) {
  const log = new Heard();
  const modules = version.main === null ? [NO_CODE] : version.modules;
  if (version.assets) folders.push(version.assets.directory);
  try {
    const instance = new Miniflare(convertV4MiniflareOptions(options({ ...version, modules }, log)));
    running.push(instance);
    return { id: version.id, port: Number((await instance.ready).port) };
  } catch (error) {
    return { id: version.id, error: [String(error), ...log.lines].join("\n") };
  }
}

const input = createInterface({ input: process.stdin });
input.on("line", async (line) => {
  console.log(JSON.stringify(await start(JSON.parse(line))));
});
input.on("close", async () => {
  await Promise.allSettled(running.map((instance) => instance.dispose()));
  await Promise.allSettled(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  process.exit(0);
});
