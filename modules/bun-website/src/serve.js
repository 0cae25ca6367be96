// Serves the directory given first on the port given second, as a host of
// static sites does: index.html for directories, 404.html for what is missing.
import { realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";

const [root, port] = [await realpath(Bun.argv[2]), Number(Bun.argv[3])];

/** The file at a path of the site; none when it is missing or lies outside. */
async function file(path) {
  try {
    const real = await realpath(join(root, path));
    if (!real.startsWith(root + sep) || !(await stat(real)).isFile()) return null;
    return Bun.file(real);
  } catch {
    return null;
  }
}

async function isDirectory(path) {
  const found = await stat(join(root, path)).catch(() => null);
  return found?.isDirectory() ?? false;
}

async function answer(request) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("method not allowed\n", { status: 405, headers: { Allow: "GET, HEAD" } });
  }
  const url = new URL(request.url);
  let path;
  try {
    path = decodeURIComponent(url.pathname);
  } catch {
    return new Response("bad request\n", { status: 400 });
  }
  // A decoded `..` or NUL never comes from a link of the site.
  if (path.includes("\0") || path.split(/[/\\]/).includes("..")) {
    return new Response("bad request\n", { status: 400 });
  }
  const found = path.endsWith("/")
    ? await file(`${path}index.html`)
    : ((await file(path)) ?? (await file(`${path}.html`)));
  if (found) return new Response(found);
  if (!path.endsWith("/") && (await isDirectory(path)) && (await file(`${path}/index.html`))) {
    // A path that starts with two slashes would lead to another host.
    const location = `${url.pathname.replace(/^\/+/, "/")}/${url.search}`;
    return new Response(null, { status: 308, headers: { Location: location } });
  }
  const missing = await file("404.html");
  return missing ? new Response(missing, { status: 404 }) : new Response("not found\n", { status: 404 });
}

const server = Bun.serve({ hostname: "0.0.0.0", port, fetch: answer });
console.log(`serving on port ${server.port}`);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
