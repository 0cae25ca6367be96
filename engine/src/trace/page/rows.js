// The rows that are in sight, of however many there are.

const ROW = 28;
const MORE = 8;
const shown = { rows: [], wanted: null, places: new Map(), pool: new Map(), spare: [] };
const tree = byId("tree");
const rowsBox = byId("rows");

function newRow() {
  const fold = make("span", { class: "fold", "aria-hidden": "true" });
  const sign = make("span", { class: "sign", "aria-hidden": "true" });
  const state = make("span", { class: "quiet" });
  const text = make("span", { class: "text" });
  const more = make("span", { class: "more" });
  const name = make("span", { class: "name", role: "gridcell" }, fold, sign, state, text, more);
  const took = make("span", { class: "number took", role: "gridcell" });
  const waited = make("span", { class: "number waited", role: "gridcell" });
  const wait = make("span", { class: "wait" });
  const turn = make("span", { class: "wait turn" });
  const bar = make("span", { class: "bar" });
  const when = make("span", { class: "when", role: "gridcell" }, wait, turn, bar);
  const row = make("div", { role: "row" }, name, took, waited, when);
  return { row, fold, sign, state, text, more, took, waited, when, wait, turn, bar };
}

function span(element, from, to) {
  const length = view.to - view.from;
  const left = Math.max((from - view.from) / length, -0.01);
  const right = Math.min((to - view.from) / length, 1.01);
  element.hidden = right < 0 || left > 1 || to < from;
  element.style.left = `${left * 100}%`;
  element.style.width = `${Math.max(right - left, 0) * 100}%`;
}

function fill(parts, step, place) {
  const { row } = parts;
  const chosen = view.step === step;
  const isTree = view.order === "tree";
  row.id = `row-${step.id}`;
  row.className = `row state-${step.state}${place % 2 ? " alt" : ""}${shown.wanted && !shown.wanted.has(step) ? " aside" : ""}`;
  row.style.transform = `translateY(${place * ROW}px)`;
  row.style.setProperty("--depth", isTree ? Math.min(step.depth, 12) : 0);
  row.setAttribute("aria-rowindex", place + 2);
  row.setAttribute("aria-level", isTree ? step.depth + 1 : 1);
  const peers = isTree ? (step.above ? step.above.children : roots) : null;
  row.setAttribute("aria-setsize", peers ? peers.length : shown.rows.length);
  row.setAttribute("aria-posinset", peers ? step.place : place + 1);
  row.setAttribute("aria-selected", chosen);
  const folds = isTree && step.children.length > 0;
  if (folds) row.setAttribute("aria-expanded", step.open || isFiltered());
  else row.removeAttribute("aria-expanded");
  parts.fold.textContent = folds ? (step.open || isFiltered() ? "▼" : "▶") : "";
  parts.sign.textContent = SIGNS[step.state];
  parts.state.textContent = `${step.state}: `;
  mark(parts.text, step.name);
  row.title = step.name;
  const inside = folds && !step.open && !isFiltered() ? below(step) : null;
  parts.more.hidden = !inside;
  if (inside) parts.more.textContent = inside.cached ? `${inside.steps}, ${inside.cached} cached` : `${inside.steps}`;
  parts.took.textContent = step.state === "cached" ? "cached" : duration(step.took);
  const waited = step.inputs + step.turn;
  parts.waited.textContent = waited >= 1 ? duration(waited) : "";
  parts.when.setAttribute("aria-label", `at ${duration(step.start)}`);
  span(parts.wait, step.start - waited, step.inputs >= 1 ? step.start - step.turn : -1);
  span(parts.turn, step.start - step.turn, step.turn >= 1 ? step.start : -1);
  span(parts.bar, step.start, step.start + step.took);
}

function mark(element, text) {
  const at = view.query ? text.toLowerCase().indexOf(view.query.toLowerCase()) : -1;
  if (at < 0) {
    element.textContent = text;
    return;
  }
  const end = at + view.query.length;
  element.replaceChildren(text.slice(0, at), make("mark", {}, text.slice(at, end)), text.slice(end));
}

/** Puts rows where they are in sight. Those that stay are left alone while the tree only moves. */
function drawRows(anew) {
  const first = Math.max(0, Math.floor((tree.scrollTop - ROW) / ROW) - MORE);
  const last = Math.min(shown.rows.length - 1, Math.ceil((tree.scrollTop + tree.clientHeight) / ROW) + MORE);
  for (const [place, parts] of shown.pool) {
    if (place < first || place > last) {
      shown.pool.delete(place);
      shown.spare.push(parts);
    } else if (anew) fill(parts, shown.rows[place], place);
  }
  const fresh = document.createDocumentFragment();
  for (let place = first; place <= last; place += 1) {
    if (shown.pool.has(place)) continue;
    const parts = shown.spare.pop() ?? newRow();
    fill(parts, shown.rows[place], place);
    parts.row.hidden = false;
    shown.pool.set(place, parts);
    if (!parts.row.parentNode) fresh.append(parts.row);
  }
  rowsBox.append(fresh);
  for (const parts of shown.spare) {
    parts.row.hidden = true;
    parts.row.removeAttribute("id");
  }
}

function drawTree() {
  const { rows, found, wanted } = visible();
  shown.rows = rows;
  shown.wanted = wanted;
  shown.places = new Map(rows.map((step, place) => [step, place]));
  rowsBox.style.height = `${rows.length * ROW}px`;
  tree.setAttribute("aria-rowcount", rows.length + 1);
  byId("nothing").hidden = rows.length > 0;
  byId("nothing").textContent = steps.length ? "No step is like that." : "This run had no steps.";
  byId("found").textContent = wanted ? `${found.toLocaleString("en")} of ${steps.length.toLocaleString("en")}` : "";
  drawAxis();
  for (const [place, parts] of shown.pool) {
    if (place >= rows.length) {
      shown.pool.delete(place);
      shown.spare.push(parts);
    }
  }
  drawRows(true);
  pointAtChosen();
}

function pointAtChosen() {
  const place = view.step ? shown.places.get(view.step) : undefined;
  if (place !== undefined && shown.pool.has(place)) tree.setAttribute("aria-activedescendant", `row-${view.step.id}`);
  else tree.removeAttribute("aria-activedescendant");
}

function bringIntoSight(step) {
  const place = shown.places.get(step);
  if (place === undefined) return;
  const top = place * ROW;
  const room = tree.clientHeight - ROW;
  if (top < tree.scrollTop) tree.scrollTop = top;
  else if (top + ROW > tree.scrollTop + room) tree.scrollTop = top + ROW - room;
  drawRows(false);
}

function drawAxis() {
  const length = view.to - view.from;
  const room = byId("axis").clientWidth || 400;
  const rough = length / Math.max(1, Math.floor(room / 90));
  const power = 10 ** Math.floor(Math.log10(rough));
  const nice = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const minutes = [15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1800e3, 3600e3].find((n) => n >= rough);
  const gap = rough > 10e3 && minutes ? minutes : nice;
  const start = Math.ceil(view.from / gap - 1e-9) * gap;
  const labels = [];
  for (let at = start; at <= view.to + gap / 1e6 && labels.length < 60; at += gap) {
    const left = (at - view.from) / length;
    if (left < 1 - 60 / room) {
      const label = make("span", {}, at === 0 ? "0" : duration(at).replace(/\.0+ /, " ").replace(/ 0 (s|min)$/, ""));
      label.style.left = `${left * 100}%`;
      labels.push(label);
    }
  }
  byId("axis").replaceChildren(...labels);
  tree.style.setProperty("--tick", `${(gap / length) * room}px`);
  tree.style.setProperty("--shift", `${((start - view.from) / length) * room}px`);
}
