// Words for numbers, and elements for text.

const SIGNS = { done: "✓", cached: "∙", failed: "✕", running: "…", stopped: "■" };
const byId = (id) => document.getElementById(id);

/** 7 ms, 1.25 s, 2 min 5 s, 1 h 2 min */
function duration(ms) {
  if (ms < 0.05) return "0 ms";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59950) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

function size(bytes) {
  return bytes < 10_000 ? `${bytes} bytes` : bytes < 10_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1_000_000)} MB`;
}

const plural = (n, one, more = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;

/** Without what would move a terminal's cursor or colour it. */
const plain = (text) => text.replace(/\x1b\[[0-?]*[ -/]*[@-~]/g, "").replace(/[\x00-\x1f\x7f]+/g, " ");

/** An element with attributes and children; strings become text, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** What a terminal would show of a line: colours, the last state of a bar of progress. */
function terminalLine(line, style, into) {
  line = line.replace(/\r+$/, "");
  line = line.slice(line.lastIndexOf("\r") + 1);
  const pattern = /\x1b\[([0-9;]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b./g;
  let at = 0;
  const add = (text) => {
    text = text.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
    if (!text) return;
    const names = [style.colour, style.bold && "bold", style.dim && "dim", style.italic && "italic", style.under && "under"];
    const wanted = names.filter(Boolean).join(" ");
    into.append(wanted ? make("span", { class: wanted }, text) : text);
  };
  for (const found of line.matchAll(pattern)) {
    add(line.slice(at, found.index));
    at = found.index + found[0].length;
    if (found[1] !== undefined) colours(found[1], style);
  }
  add(line.slice(at));
}

function colours(codes, style) {
  const list = codes.split(";").map(Number);
  for (let i = 0; i < list.length; i += 1) {
    const code = list[i];
    if (code === 0) Object.assign(style, { colour: "", bold: false, dim: false, italic: false, under: false });
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.under = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.under = false;
    else if (code === 39) style.colour = "";
    else if (code >= 30 && code <= 37) style.colour = `c${code - 30}`;
    else if (code >= 90 && code <= 97) style.colour = `c${code - 90}`;
    else if (code === 38 || code === 48) {
      if (code === 38 && list[i + 1] === 5 && list[i + 2] < 16) style.colour = `c${list[i + 2] % 8}`;
      i += list[i + 1] === 5 ? 2 : 4;
    }
  }
}
