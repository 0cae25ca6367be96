// The run: its steps as a tree, which of them are shown, in which order.

const run = JSON.parse(byId("data").textContent);
const total = Math.max(run.took, 0.1);

const steps = run.steps.map(([id, parent, name, start, took, state, inputs, turn, error]) => (
  { id, parent, name: plain(name), start, took, state, inputs, turn, error, children: [], above: null, open: true, depth: 0 }
));
const known = new Map(steps.map((step) => [step.id, step]));
const roots = [];
for (const step of steps) {
  step.above = known.get(step.parent) ?? null;
  step.place = (step.above ? step.above.children : roots).push(step);
  step.depth = step.above ? step.above.depth + 1 : 0;
}
const counts = { all: steps.length, ran: 0, cached: 0, failed: 0 };
for (const step of steps) {
  if (step.state === "cached") counts.cached += 1;
  else if (step.state === "failed") counts.failed += 1;
  if (step.state !== "cached") counts.ran += 1;
}
// Of a large run, what has failed is unfolded and the rest is not.
if (steps.length > 400) for (const step of steps) step.open = false;
for (const step of steps) {
  if (step.state === "failed") for (let up = step.above; up; up = up.above) up.open = true;
}

/** What is looked at; the fragment of the address says the same. */
const view = { step: null, query: "", show: "all", order: "tree", from: 0, to: total };

const FILTERS = {
  all: () => true,
  failed: (step) => step.state === "failed",
  ran: (step) => step.state !== "cached",
  cached: (step) => step.state === "cached",
};

function logOf(step) {
  const parts = run.logs[step.id];
  return parts ? { leftOut: parts[0], texts: parts.slice(1) } : null;
}

const lowered = new Map();
function mentions(step, query) {
  if (step.name.toLowerCase().includes(query) || (step.error ?? "").toLowerCase().includes(query)) return true;
  let text = lowered.get(step.id);
  if (text === undefined) {
    text = (logOf(step)?.texts ?? []).join("").toLowerCase();
    lowered.set(step.id, text);
  }
  return text.includes(query);
}

const isFiltered = () => view.show !== "all" || view.query !== "";

/** Steps in the order of rows, and how many of them are what is looked for. */
function visible() {
  const query = view.query.toLowerCase();
  const fits = (step) => FILTERS[view.show](step) && (!query || mentions(step, query));
  const wanted = isFiltered() ? new Set(steps.filter(fits)) : null;
  if (view.order !== "tree") {
    const list = wanted ? [...wanted] : steps.slice();
    const by = view.order === "slowest" ? (a, b) => b.took - a.took : (a, b) => a.start - b.start;
    return { rows: list.sort((a, b) => by(a, b) || a.id - b.id), found: list.length, wanted };
  }
  // What is above a step that is looked for is shown with it.
  const needed = wanted && new Set(wanted);
  if (wanted) for (const step of wanted) for (let up = step.above; up && !needed.has(up); up = up.above) needed.add(up);
  const rows = [];
  const open = roots.slice().reverse();
  while (open.length) {
    const step = open.pop();
    if (needed && !needed.has(step)) continue;
    rows.push(step);
    if (needed || step.open) for (let i = step.children.length - 1; i >= 0; i -= 1) open.push(step.children[i]);
  }
  return { rows, found: wanted ? wanted.size : steps.length, wanted };
}

function unfoldTo(step) {
  for (let up = step.above; up; up = up.above) up.open = true;
}

/** How much below a step was cached. */
function below(step) {
  if (step.below === undefined) {
    step.below = { steps: 0, cached: 0, failed: 0 };
    for (const child of step.children) {
      const more = below(child);
      step.below.steps += 1 + more.steps;
      step.below.cached += (child.state === "cached") + more.cached;
      step.below.failed += (child.state === "failed") + more.failed;
    }
  }
  return step.below;
}

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const number = (name, otherwise) => (Number.isFinite(parseFloat(given.get(name))) ? parseFloat(given.get(name)) : otherwise);
  view.step = known.get(number("step", NaN)) ?? null;
  view.query = given.get("find") ?? "";
  view.show = given.get("show") in FILTERS ? given.get("show") : "all";
  view.order = ["tree", "time", "slowest"].includes(given.get("order")) ? given.get("order") : "tree";
  view.from = Math.min(Math.max(number("from", 0), 0), total);
  view.to = Math.min(Math.max(number("to", total), 0), total);
  if (view.to - view.from < total / 1e6) [view.from, view.to] = [0, total];
  if (view.step) unfoldTo(view.step);
}

function address() {
  const wanted = new URLSearchParams();
  if (view.step) wanted.set("step", view.step.id);
  if (view.query) wanted.set("find", view.query);
  if (view.show !== "all") wanted.set("show", view.show);
  if (view.order !== "tree") wanted.set("order", view.order);
  if (view.from > 0 || view.to < total) {
    wanted.set("from", view.from.toFixed(1));
    wanted.set("to", view.to.toFixed(1));
  }
  return `#${wanted}`;
}
