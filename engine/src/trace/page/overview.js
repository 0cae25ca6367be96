// How busy the run was, over its whole time; a part of it is chosen by dragging.

function drawOverview() {
  const canvas = byId("overview");
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const buckets = Math.max(1, Math.floor(width / 3));
  const busy = { done: new Float64Array(buckets + 1), cached: new Float64Array(buckets + 1), failed: new Float64Array(buckets + 1) };
  for (const step of steps) {
    // What only waits for its parts does not count twice.
    if (step.children.length) continue;
    const from = Math.min(buckets - 1, Math.floor((step.start / total) * buckets));
    const to = Math.min(buckets - 1, Math.floor(((step.start + step.took) / total) * buckets));
    const kind = step.state === "cached" ? busy.cached : step.state === "failed" ? busy.failed : busy.done;
    kind[from] += 1;
    kind[to + 1] -= 1;
  }
  const sums = Object.values(busy);
  let most = 1;
  for (let i = 0; i < buckets; i += 1) {
    for (const sum of sums) if (i > 0) sum[i] += sum[i - 1];
    most = Math.max(most, busy.done[i] + busy.cached[i] + busy.failed[i]);
  }
  const colour = (name) => getComputedStyle(document.querySelector(`.probe.state-${name} .bar`)).backgroundColor;
  const colours = { failed: colour("failed"), done: colour("done"), cached: colour("cached") };
  const scale = (n) => (Math.sqrt(n) / Math.sqrt(most)) * (height - 6);
  for (let i = 0; i < buckets; i += 1) {
    let count = 0;
    let base = height;
    for (const name of ["failed", "done", "cached"]) {
      count += busy[name][i];
      const top = height - scale(count);
      if (busy[name][i] > 0.5) {
        pen.fillStyle = colours[name];
        pen.fillRect(Math.floor((i / buckets) * width), top, Math.ceil(width / buckets), Math.max(base - top, 1.5));
      }
      base = top;
    }
  }
  byId("overview").setAttribute("aria-label", `Up to ${plural(most, "step")} at a time over ${duration(total)}`);
}

function drawWindow() {
  const whole = view.from <= 0 && view.to >= total;
  const frame = byId("window");
  frame.hidden = whole;
  byId("unzoom").hidden = whole;
  frame.style.left = `${(view.from / total) * 100}%`;
  frame.style.width = `${((view.to - view.from) / total) * 100}%`;
}

function zoom(from, to) {
  view.from = Math.max(0, from);
  view.to = Math.min(total, to);
  if (!(view.to - view.from > total / 1e6)) [view.from, view.to] = [0, total];
  refresh();
}

function watchOverview() {
  const strip = byId("overview").parentElement;
  const time = (event) => {
    const box = strip.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * total;
  };
  let begun = null;
  strip.addEventListener("pointerdown", (event) => {
    begun = time(event);
    strip.setPointerCapture(event.pointerId);
  });
  strip.addEventListener("pointermove", (event) => {
    if (begun === null) return;
    const now = time(event);
    if (Math.abs(now - begun) > total / 400) zoom(Math.min(begun, now), Math.max(begun, now));
  });
  strip.addEventListener("pointerup", (event) => {
    // A click without a way shows the whole run again.
    if (begun !== null && Math.abs(time(event) - begun) <= total / 400) zoom(0, total);
    begun = null;
  });
  byId("unzoom").addEventListener("click", () => zoom(0, total));
}
