// The command line of `d2` around its compiler as WebAssembly. What it cannot do
// (other outputs than SVG and text, watching, formatting) is refused by name.

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import goRuntime from "./node_modules/@terrastruct/d2/dist/node-esm/wasm_exec.js" with { type: "text" };
import elk from "./node_modules/@terrastruct/d2/dist/node-esm/elk.js" with { type: "text" };
import elkSetup from "./node_modules/@terrastruct/d2/dist/node-esm/setup.js" with { type: "text" };
import wasm from "./node_modules/@terrastruct/d2/dist/node-esm/d2.wasm" with { type: "file" };

const HELP = `Usage:
  d2 [flags] file.d2 [file.svg | file.txt]
  d2 [flags] - [-]           from stdin, to stdout
  d2 validate file.d2
  d2 version

Without an output, file.svg beside file.d2. A diagram with several boards becomes
a directory of files, unless --target or --animate-interval says otherwise.

Flags (each also as D2_NAME in the environment):
  -l, --layout string          dagre or elk (default dagre)
  -t, --theme int              theme of the diagram (default 0)
      --dark-theme int         theme where the viewer prefers dark ones (-1: none)
      --pad int                pixels around the diagram (default 100)
  -s, --sketch                 as if drawn by hand
  -c, --center                 in the middle of the viewer
      --scale float            0.5 halves the size; -1 fits to the screen (default)
      --target string          one board ("" is the root), or one with all below ("layers.x.*")
      --animate-interval int   milliseconds for each board, all in one SVG
      --force-appendix         list tooltips and links below the diagram
      --salt string            makes the ids in the SVG unique
      --no-xml-tag             without <?xml ...?>
      --ascii-mode string      of .txt outputs: extended or standard (default extended)
  -h, --help
  -v, --version
`;

// Flag: [type, name of the option; null where it changes nothing here].
const FLAGS = {
  layout: ["string", "layout"],
  theme: ["int", "themeID"],
  "dark-theme": ["int", "darkThemeID"],
  pad: ["int", "pad"],
  sketch: ["bool", "sketch"],
  center: ["bool", "center"],
  scale: ["float", "scale"],
  target: ["string", "target"],
  "animate-interval": ["int", "animateInterval"],
  "force-appendix": ["bool", "forceAppendix"],
  salt: ["string", "salt"],
  "no-xml-tag": ["bool", "noXMLTag"],
  "ascii-mode": ["string", "asciiMode"],
  help: ["bool", "help"],
  version: ["bool", "version"],
  bundle: ["bool", null],
  debug: ["bool", null],
  timeout: ["int", null],
};
const SHORT = { l: "layout", t: "theme", s: "sketch", c: "center", h: "help", v: "version", b: "bundle", d: "debug" };
const ELSEWHERE = ["fmt", "layout", "themes", "play", "init-playwright"];

class Failure extends Error {}

async function main(args) {
  const { options, words } = parse(args);
  if (options.help) return print(HELP);
  if (options.version || words[0] === "version") return print(`${answer((await compiler()).version())}\n`);
  if (ELSEWHERE.includes(words[0]) && !existsSync(words[0]))
    throw new Failure(`\`d2 ${words[0]}\` is not supported by this build of d2`);
  const validate = words[0] === "validate";
  if (validate) words.shift();
  if (words.length === 0) {
    process.stderr.write(HELP);
    throw new Failure("expected a file to compile");
  }
  if (words.length > (validate ? 1 : 2)) throw new Failure(`unexpected argument \`${words.at(-1)}\``);
  return compile(words[0], validate ? null : words[1], options, validate);
}

function parse(args) {
  const options = {};
  const words = [];
  for (const [name, [kind, option]] of Object.entries(FLAGS)) {
    const value = process.env[`D2_${name.toUpperCase().replaceAll("-", "_")}`];
    if (option && value !== undefined && value !== "") options[option] = convert(name, kind, value);
  }
  const rest = [...args];
  while (rest.length > 0) {
    const word = rest.shift();
    if (word === "--") {
      words.push(...rest);
      break;
    }
    if (word === "-" || !word.startsWith("-")) {
      words.push(word);
      continue;
    }
    const [, dashes, flag, given] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word);
    const name = dashes === "-" ? SHORT[flag] : flag;
    if (!name || !Object.hasOwn(FLAGS, name)) throw new Failure(`unknown flag: ${dashes}${flag}`);
    const [kind, option] = FLAGS[name];
    let value = given;
    if (value === undefined && kind !== "bool") {
      if (rest.length === 0) throw new Failure(`flag needs an argument: ${dashes}${flag}`);
      value = rest.shift();
    }
    const converted = convert(name, kind, value ?? "true");
    if (option) options[option] = converted;
  }
  // As the flags' defaults mean them.
  if (options.darkThemeID === -1) delete options.darkThemeID;
  if (options.scale === -1) delete options.scale;
  if (options.layout !== undefined && !["dagre", "elk"].includes(options.layout))
    throw new Failure(`layout engine \`${options.layout}\` is not supported by this build of d2: expected dagre or elk`);
  return { options, words };
}

function convert(name, kind, value) {
  const wrong = new Failure(`invalid value \`${value}\` for flag --${name}: expected ${kind}`);
  if (kind === "string") return value;
  if (kind === "bool") {
    if (["true", "1", "t"].includes(value.toLowerCase())) return true;
    if (["false", "0", "f"].includes(value.toLowerCase())) return false;
    throw wrong;
  }
  const number = Number(value);
  if (value.trim() === "" || Number.isNaN(number) || (kind === "int" && !Number.isInteger(number))) throw wrong;
  return number;
}

async function compile(input, output, options, validate) {
  const begun = performance.now();
  if (input !== "-" && existsSync(input) && statSync(input).isDirectory()) input = path.join(input, "index.d2");
  output ??= input === "-" ? "-" : input.replace(/\.d2$/, "") + ".svg";
  const kind = output === "-" ? ".svg" : path.extname(output);
  if (![".svg", ".txt"].includes(kind))
    throw new Failure(`output \`${output}\` is not supported by this build of d2: expected a name in .svg or .txt`);
  const text = await read(input);
  const name = input === "-" ? "-" : path.normalize(input);
  const settings = { ...options, ascii: kind === ".txt" };
  delete settings.target;
  const result = await withImports(name, text, settings);
  if (validate) return print(`Success! ${input} is valid D2.\n`);

  const { diagram } = result;
  const merged = { ...result.renderOptions, ...settings };
  const draw = async (target) =>
    decode(answer(await (await compiler()).render(JSON.stringify({ diagram, options: { ...merged, target } }))));
  const boards = [...below(diagram)];
  let files;
  if (merged.animateInterval > 0) {
    files = [[output, await draw(options.target ?? "*")]];
  } else if (boards.length === 0 || (options.target !== undefined && options.target !== "*")) {
    files = [[output, await draw(options.target ?? "")]];
  } else {
    if (output === "-") throw new Failure("multiboard output cannot be written to stdout; choose a board with --target");
    const dir = output.slice(0, -kind.length);
    rmSync(dir, { recursive: true, force: true });
    files = [];
    for (const board of [{ diagram, target: "", place: "" }, ...boards]) {
      if (board.diagram.isFolderOnly) continue;
      const many = [...below(board.diagram)].length > 0;
      const file = path.join(dir, board.place, many ? "index" : "") + kind;
      files.push([file, await draw(board.target)]);
    }
  }
  for (const [file, svg] of files) {
    if (file === "-") {
      await Bun.write(Bun.stdout, svg);
    } else {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, svg);
    }
  }
  const shown = files.length > 1 ? path.dirname(files[0][0]) : output;
  const took = Math.round(performance.now() - begun);
  if (shown !== "-") process.stderr.write(`success: successfully compiled ${input} to ${shown} in ${took}ms\n`);
}

async function read(input) {
  if (input === "-") return await Bun.stdin.text();
  try {
    return readFileSync(input, "utf8");
  } catch (error) {
    throw new Failure(`failed to read ${input}: ${error.code === "ENOENT" ? "no such file or directory" : error.message}`);
  }
}

// The compiler says which imports it lacks; they are given to it until it is content.
async function withImports(name, text, options) {
  const fs = { [name]: text };
  for (;;) {
    const reply = await request((await compiler(usesElk(fs, options))).compile, { fs, inputPath: name, options });
    if (!reply.error) return reply.data;
    const errors = problems(reply.error.message);
    let found = false;
    for (const [, file] of errors.join("\n").matchAll(/failed to import "([^"]+)": file does not exist/g)) {
      if (!(file in fs) && existsSync(file)) {
        fs[file] = readFileSync(file, "utf8");
        found = true;
      }
    }
    if (!found) throw new Failure(`failed to compile ${name}: ${errors.join("\n     ")}`);
  }
}

function usesElk(fs, options) {
  return options.layout === "elk" || options.ascii || Object.values(fs).some((text) => text.includes("elk"));
}

// Messages have file:line:column where they come from the source.
function problems(message) {
  try {
    return JSON.parse(message).map((problem) => problem.errmsg);
  } catch {
    return [message.split("\n")[0]];
  }
}

// Boards below a board: how the compiler calls them, and where d2 writes them.
function* below(diagram, target = "", place = "") {
  const kinds = ["layers", "scenarios", "steps"].filter((kind) => diagram[kind]?.length > 0);
  for (const kind of kinds) {
    for (const board of diagram[kind]) {
      const own = [target, kind, board.name].filter(Boolean).join(".");
      const where = path.join(place, kinds.length > 1 ? kind : "", board.name);
      yield { diagram: board, target: own, place: where };
      yield* below(board, own, where);
    }
  }
}

let loaded;
let elkLoaded = false;

async function compiler(withElk = false) {
  // Without `self`, or the layout engine takes this for a worker in a browser.
  const run = (text) => new Function("self", text).call(globalThis, undefined);
  if (withElk && !elkLoaded) {
    run(elk);
    run(elkSetup);
    // It registers its algorithms when the event loop turns.
    await new Promise((done) => setTimeout(done, 0));
    elkLoaded = true;
  }
  if (!loaded) {
    run(goRuntime);
    const go = new Go();
    go.run(new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)), go.importObject));
    loaded = globalThis.d2;
  }
  return loaded;
}

async function request(call, value) {
  return JSON.parse(await call(JSON.stringify(value)));
}

function answer(reply) {
  const { data, error } = JSON.parse(reply);
  if (error) throw new Failure(problems(error.message).join("\n     "));
  return data;
}

function decode(data) {
  return Buffer.from(data, "base64").toString("utf8");
}

function print(text) {
  process.stdout.write(text);
}

try {
  await main(process.argv.slice(2));
  process.exit(0);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`err: ${error.message}\n`);
  process.exit(1);
}
