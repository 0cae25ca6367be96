// Everything about the chosen step, or about the run.

/** To a step, or to the run. */
function link(step, text = step.name) {
  const element = make("a", { href: step ? `#step=${step.id}` : "#" }, text);
  element.addEventListener("click", (event) => {
    event.preventDefault();
    choose(step);
    tree.focus();
  });
  return element;
}

function facts(pairs) {
  const list = make("dl");
  for (const [name, value] of pairs) if (value !== null) list.append(make("dt", {}, name), make("dd", {}, value));
  return list;
}

function stepDetails(step) {
  const parts = [];
  const crumbs = [];
  for (let up = step.above; up; up = up.above) crumbs.unshift(link(up), " › ");
  parts.push(make("p", { class: "crumbs" }, link(null, "The run"), " › ", ...crumbs));
  parts.push(make("h2", {}, step.name));
  const inside = below(step);
  const sign = make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[step.state]);
  const words = { done: "Done", cached: "Cached: not done again", failed: "Failed", running: "Still running", stopped: "Stopped" };
  parts.push(facts([
    ["State", make("span", { class: `state-${step.state}` }, sign, words[step.state])],
    ["Took", step.state === "cached" ? null : duration(step.took)],
    ["Began", `${duration(step.start)} after the start`],
    ["Waited", step.inputs >= 1 ? `${duration(step.inputs)} for what it works on` : null],
    [step.inputs >= 1 ? "" : "Waited", step.turn >= 1 ? `${duration(step.turn)} for its turn` : null],
    ["Inside", inside.steps ? `${plural(inside.steps, "step")}${inside.cached ? `, ${inside.cached} cached` : ""}${inside.failed ? `, ${inside.failed} failed` : ""}` : null],
  ]));
  const copy = make("button", { type: "button" }, "Copy link");
  copy.addEventListener("click", () => copyLink(copy));
  const closer = make("button", { type: "button" }, "Zoom to it");
  closer.addEventListener("click", () => zoomTo(step));
  parts.push(make("div", { class: "tools" }, copy, closer));
  if (step.error) parts.push(make("p", { class: "error" }, step.error));
  const log = logOf(step);
  if (log) {
    parts.push(make("h3", { id: "output" }, "Output"));
    parts.push(drawLog(log));
  }
  return parts;
}

function drawLog({ leftOut, texts }) {
  const box = make("pre", { class: "log", tabindex: "0", role: "region", "aria-labelledby": "output" });
  if (leftOut) box.append(make("span", { class: "line left-out" }, `${size(leftOut)} before this are not kept`));
  texts.forEach((text, n) => {
    const style = {};
    const lines = text.split("\n");
    lines.forEach((line, at) => {
      if (at === lines.length - 1 && !line) return;
      // Odd ones are of standard error.
      const into = make("span", { class: n % 2 ? "line err" : "line" });
      terminalLine(line, style, into);
      box.append(into);
    });
  });
  requestAnimationFrame(() => { box.scrollTop = box.scrollHeight; });
  return box;
}

function runDetails() {
  const parts = [make("h2", {}, "The run")];
  if (run.error) parts.push(make("p", { class: "error" }, run.error));
  const failed = steps.filter((step) => step.state === "failed" && !step.children.some((child) => child.state === "failed"));
  const lists = [
    ["What failed", failed.slice(0, 10)],
    ["What took longest", steps.filter((step) => step.state !== "cached" && !step.children.length).sort((a, b) => b.took - a.took).slice(0, 10)],
  ];
  for (const [title, list] of lists) {
    if (!list.length) continue;
    parts.push(make("h3", {}, title));
    parts.push(make("ol", { class: "slow" }, ...list.map((step) => make("li", {}, make("span", {}, duration(step.took)), link(step)))));
  }
  if (run.notes.length) {
    parts.push(make("h3", {}, "Remarks"));
    parts.push(make("ul", { class: "notes" }, ...run.notes.map(([, text]) => make("li", {}, text.trim()))));
  }
  if (run.leftOut) parts.push(make("p", { class: "left-out" }, `${plural(run.leftOut, "step")} more are not kept.`));
  parts.push(make("h3", {}, "Command"));
  parts.push(make("p", { class: "command" }, run.title));
  parts.push(make("h3", {}, "About"));
  parts.push(facts([["Began", new Date(run.started).toLocaleString()], ["Trace", run.trace], ["Poniard", run.version]]));
  return parts;
}

function drawDetails() {
  const box = byId("details");
  box.setAttribute("aria-label", view.step ? `Details of ${view.step.name}` : "Details of the run");
  box.replaceChildren(...(view.step ? stepDetails(view.step) : runDetails()));
  box.scrollTop = 0;
}

async function copyLink(button) {
  const text = location.href.replace(/#.*$/, "") + address();
  try {
    await navigator.clipboard.writeText(text);
    byId("found").textContent = "link copied";
  } catch {
    // Where a page may not write to the clipboard, the address bar has it.
    byId("found").textContent = "copy it from the address bar";
  }
  button?.focus();
}
