// What people do, and what then changes.

let addressed = "";
let writing = 0;

function refresh() {
  drawTree();
  drawWindow();
  keepAddress();
}

/** Every choice is in the address, once it is made: browsers refuse to be told of each arrow key. */
function keepAddress() {
  clearTimeout(writing);
  writing = setTimeout(() => {
    addressed = address();
    history.replaceState(null, "", addressed);
  }, 120);
}

function choose(step, quietly) {
  const before = view.step;
  view.step = step;
  if (step && !shown.places.has(step)) {
    unfoldTo(step);
    if (isFiltered() && !visible().rows.includes(step)) Object.assign(view, { query: "", show: "all" });
    syncTools();
    drawTree();
  } else drawRows(true);
  if (step) bringIntoSight(step);
  pointAtChosen();
  keepAddress();
  if (before !== step && !quietly) drawDetailsSoon();
}

// While an arrow key is held down, only the last step's details are wanted.
let pending = 0;
function drawDetailsSoon() {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(drawDetails);
}

function fold(step, open) {
  if (!step.children.length || step.open === open) return;
  step.open = open;
  refresh();
}

function zoomTo(step) {
  const room = Math.max(step.took * 0.1, total / 1000);
  zoom(step.start - step.inputs - step.turn - room, step.start + step.took + room);
}

function nextFailure() {
  const failed = steps.filter((step) => step.state === "failed");
  if (!failed.length) return;
  choose(failed[(failed.indexOf(view.step) + 1) % failed.length]);
}

const KEYS = {
  ArrowDown: (at) => choose(shown.rows[Math.min(at + 1, shown.rows.length - 1)]),
  ArrowUp: (at) => choose(shown.rows[Math.max(at - 1, 0)]),
  PageDown: (at) => choose(shown.rows[Math.min(at + page(), shown.rows.length - 1)]),
  PageUp: (at) => choose(shown.rows[Math.max(at - page(), 0)]),
  Home: () => choose(shown.rows[0]),
  End: () => choose(shown.rows[shown.rows.length - 1]),
  ArrowRight: (at) => {
    const step = shown.rows[at];
    if (!step || view.order !== "tree" || !step.children.length) return;
    if (step.open || isFiltered()) choose(shown.rows[Math.min(at + 1, shown.rows.length - 1)]);
    else fold(step, true);
  },
  ArrowLeft: (at) => {
    const step = shown.rows[at];
    if (!step || view.order !== "tree") return;
    if (step.children.length && step.open && !isFiltered()) fold(step, false);
    else if (step.above) choose(step.above);
  },
  "*": (at) => {
    const step = shown.rows[at];
    for (const peer of step?.above ? step.above.children : roots) peer.open = true;
    refresh();
  },
  Enter: () => (byId("details").querySelector(".log") ?? byId("details")).focus(),
  " ": (at) => shown.rows[at] && fold(shown.rows[at], !shown.rows[at].open),
  z: () => view.step && zoomTo(view.step),
  0: () => zoom(0, total),
  n: () => nextFailure(),
  c: () => copyLink(),
};
const page = () => Math.max(1, Math.floor(tree.clientHeight / ROW) - 2);

tree.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  event.preventDefault();
  const place = view.step ? shown.places.get(view.step) : undefined;
  if (shown.rows.length) KEYS[event.key](place ?? -1);
});
document.addEventListener("keydown", (event) => {
  const writing = event.target instanceof HTMLInputElement && event.target.type === "search";
  if (event.key === "Escape") {
    if (writing && view.query) search("");
    else if (document.activeElement === tree && view.step) choose(null);
    tree.focus();
  } else if (event.key === "/" && !writing) {
    event.preventDefault();
    byId("query").focus();
  } else if (event.key === "Enter" && writing) {
    event.preventDefault();
    tree.focus();
    if (shown.rows.length && !shown.places.has(view.step)) choose(shown.rows.find((step) => shown.wanted?.has(step)) ?? shown.rows[0]);
  }
});
tree.addEventListener("click", (event) => {
  const row = event.target.closest("#rows .row");
  const step = row && known.get(Number(row.id.slice("row-".length)));
  if (!step) return;
  if (event.target.closest(".fold") && step.children.length && view.order === "tree") fold(step, !step.open);
  choose(step);
});
tree.addEventListener("dblclick", (event) => {
  if (event.target.closest("#rows .when") && view.step) zoomTo(view.step);
});
let moving = 0;
tree.addEventListener("scroll", () => {
  if (!moving) moving = requestAnimationFrame(() => { moving = 0; drawRows(false); pointAtChosen(); });
}, { passive: true });

function search(text) {
  view.query = text;
  byId("query").value = text;
  tree.scrollTop = 0;
  refresh();
  if (view.step && shown.places.has(view.step)) bringIntoSight(view.step);
}
let typing = 0;
byId("query").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => search(event.target.value.trim()), 80);
});
byId("tools").addEventListener("submit", (event) => event.preventDefault());

/** Radio buttons of one choice. */
function choices(box, name, all, onChange) {
  for (const [value, text, count] of all) {
    const input = make("input", { type: "radio", name, value });
    input.addEventListener("change", () => onChange(value));
    const label = make("label", {}, input, text);
    if (count !== undefined) label.append(" ", make("span", {}, count.toLocaleString("en")));
    byId(box).append(label);
  }
}
function syncTools() {
  byId("query").value = view.query;
  for (const [name, value] of [["show", view.show], ["order", view.order]]) {
    document.querySelector(`input[name=${name}][value=${value}]`).checked = true;
  }
}
choices("show", "show", [["all", "All", counts.all], ["failed", "Failed", counts.failed], ["ran", "Ran", counts.ran], ["cached", "Cached", counts.cached]], (value) => {
  view.show = value;
  tree.scrollTop = 0;
  refresh();
});
choices("order", "order", [["tree", "Tree"], ["time", "By time"], ["slowest", "Slowest"]], (value) => {
  view.order = value;
  tree.scrollTop = 0;
  refresh();
  if (view.step) bringIntoSight(view.step);
});
byId("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (document.documentElement.style.colorScheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.style.colorScheme = dark ? "light" : "dark";
  drawOverview();
});

const outcomes = { succeeded: "✓ Succeeded", failed: "✕ Failed", interrupted: "■ Interrupted", running: "… Running" };
byId("outcome").textContent = outcomes[run.outcome];
byId("outcome").classList.add(run.outcome);
const bold = (text, name) => make("b", name ? { class: name } : {}, text);
byId("facts").append(
  bold(duration(run.took)), " · ", bold(counts.all.toLocaleString("en")), counts.all === 1 ? " step" : " steps",
  ...(counts.cached ? [" · ", bold(counts.cached.toLocaleString("en")), " cached"] : []),
  ...(counts.failed ? [" · ", bold(counts.failed.toLocaleString("en"), "failed"), " failed"] : []),
  " · ", new Date(run.started).toLocaleString(),
);

// Colours of canvas are those of bars.
for (const state of ["done", "cached", "failed"]) {
  document.body.append(make("div", { class: `probe quiet state-${state}`, "aria-hidden": "true" }, make("span", { class: "bar" })));
}
watchOverview();
readAddress();
if (!location.hash && run.outcome === "failed") {
  // The step that failed first, as deep as it goes.
  view.step = steps.find((step) => step.state === "failed" && !step.children.some((child) => child.state === "failed")) ?? null;
}
syncTools();
refresh();
drawOverview();
drawDetails();
if (view.step) bringIntoSight(view.step);
pointAtChosen();
tree.focus({ preventScroll: true });
addEventListener("hashchange", () => {
  if (location.hash === addressed) return;
  readAddress();
  syncTools();
  refresh();
  drawDetails();
  if (view.step) bringIntoSight(view.step);
});
addEventListener("resize", () => { drawOverview(); refresh(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawOverview);
