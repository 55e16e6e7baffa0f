// Draws every point, and tells the configuration of the one under the pointer.
"use strict";
(() => {
  const study = JSON.parse(document.getElementById("sweep").textContent);
  const plot = document.getElementById("plot");
  if (!plot || !study.points.length) return;
  const about = document.getElementById("about");
  const choose = (id) => document.getElementById(id);
  const colours = ["#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499"];
  const grey = "#7A869A";
  const prefixes = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"], [1e-12, "p"]];
  const binary = [[2 ** 40, "Ti"], [2 ** 30, "Gi"], [2 ** 20, "Mi"], [2 ** 10, "Ki"], [1, ""]];
  const W = 1000, H = 520, left = 78, right = 20, top = 16, bottom = 54;
  let kept = null;

  const scaleOf = (largest, unit) =>
    (unit === "B" ? binary : unit ? prefixes : [[1, ""]]).find(([factor]) => Math.abs(largest) >= factor) || [1, ""];
  const three = (value) => value === 0 ? "0" : Math.abs(value) >= 1000 || Math.abs(value) < 0.001
    ? value.toLocaleString("en", { maximumSignificantDigits: 4 }) : String(Number(value.toPrecision(3)));
  function quantity(value, unit) {
    if (value === null) return "–";
    const [factor, prefix] = scaleOf(value, unit);
    return `${three(value / factor)} ${prefix}${unit}`.trim();
  }
  const make = (name, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const plain = (name, text) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const label = (axis, place) => place < 0 ? "–" : study.axes[axis].labels[place];
  const quoted = (text) => /^[\w.,:=/+%@-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;

  function command(point) {
    const changes = { ...study.changes };
    point.at.forEach((place, axis) => {
      if (place >= 0) Object.assign(changes, study.axes[axis].changes[place]);
    });
    const set = Object.entries(changes).map(([path, value]) =>
      `--set ${quoted(`${path}=${typeof value === "string" ? value : JSON.stringify(value)}`)}`);
    return ["archsim run", quoted(study.experiment), ...set].join(" ");
  }

  function tell(point) {
    about.hidden = false;
    about.replaceChildren(plain("h3", `point ${point.n}${point.n === study.knee ? ", the knee" : point.front ? ", on the front" : ""}`));
    const facts = document.createElement("dl");
    const add = (name, value) => facts.append(plain("dt", name), plain("dd", value));
    study.axes.forEach((axis, number) => add(axis.name, label(number, point.at[number])));
    study.metrics.forEach(([, title, unit], number) => add(title, quantity(point.m[number], unit)));
    add("limited by", point.by.replaceAll("_", " "));
    add("config hash", point.hash);
    about.append(facts, plain("pre", command(point)));
  }

  function ticks(low, high, logarithmic) {
    if (!logarithmic || high / low <= 12) {
      const unit = 10 ** Math.floor(Math.log10((high - low) / 7));
      const step = [1, 2, 2.5, 5, 10, 20].map((n) => n * unit).find((n) => (high - low) / n <= 7);
      const found = [];
      for (let n = Math.ceil(low / step); n * step <= high; n += 1) found.push(n * step);
      return found;
    }
    let found = [];
    for (const steps of [[1], [1, 3], [1, 2, 5]]) {
      found = [];
      for (let n = Math.floor(Math.log10(low)); n <= Math.ceil(Math.log10(high)); n += 1) {
        for (const step of steps) if (step * 10 ** n >= low && step * 10 ** n <= high) found.push(step * 10 ** n);
      }
      if (found.length >= 4) break;
    }
    return found;
  }

  function draw() {
    const x = Number(choose("x").value), y = Number(choose("y").value), by = Number(choose("colour").value);
    const known = study.points.filter((point) => point.m[x] !== null && point.m[y] !== null);
    const logarithmic = choose("logarithmic").checked && known.every((point) => point.m[x] > 0 && point.m[y] > 0);
    const span = (number) => {
      const values = known.map((point) => point.m[number]);
      const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
      if (logarithmic) return [low / 1.06, high * 1.06];
      const room = (high - low || Math.abs(high) || 1) * 0.05;
      return [low - room, high + room];
    };
    const [x0, x1] = span(x), [y0, y1] = span(y);
    const along = (value, low, high) => logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    const px = (value) => left + along(value, x0, x1) * (W - left - right);
    const py = (value) => H - bottom - along(value, y0, y1) * (H - top - bottom);
    const svg = make("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "every point" });
    const [fx, nx] = scaleOf(x1, study.metrics[x][2]), [fy, ny] = scaleOf(y1, study.metrics[y][2]);
    for (const value of ticks(x0 / fx, x1 / fx, logarithmic)) {
      svg.append(make("line", { class: "grid", x1: px(value * fx), x2: px(value * fx), y1: top, y2: H - bottom }));
      svg.append(make("text", { x: px(value * fx), y: H - bottom + 18, "text-anchor": "middle" }, three(value)));
    }
    for (const value of ticks(y0 / fy, y1 / fy, logarithmic)) {
      svg.append(make("line", { class: "grid", x1: left, x2: W - right, y1: py(value * fy), y2: py(value * fy) }));
      svg.append(make("text", { x: left - 8, y: py(value * fy) + 4, "text-anchor": "end" }, three(value)));
    }
    const unit = (metric, prefix) => metric[2] ? `${metric[1]} [${prefix}${metric[2]}]` : metric[1];
    svg.append(make("text", { x: (left + W - right) / 2, y: H - 12, "text-anchor": "middle" }, unit(study.metrics[x], nx)));
    svg.append(make("text", { x: 18, y: (top + H - bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 18 ${(top + H - bottom) / 2})` }, unit(study.metrics[y], ny)));
    const radius = known.length > 2000 ? 2.5 : known.length > 300 ? 4 : 6;
    const colour = (point) => by < 0 || point.at[by] < 0 ? grey : colours[point.at[by] % colours.length];
    for (const point of known) {
      const dot = make("circle", { cx: px(point.m[x]), cy: py(point.m[y]), r: radius, fill: colour(point) });
      dot.addEventListener("pointerenter", () => { if (!kept) tell(point); });
      dot.addEventListener("click", () => { kept = kept === point ? null : point; tell(point); mark(); });
      svg.append(dot);
    }
    const isFront = study.metrics[x][0] === "latency_s" && study.metrics[y][0] === "energy_j";
    const front = known.filter((point) => point.front).sort((a, b) => a.m[x] - b.m[x]);
    if (isFront && front.length > 1) {
      const steps = front.map((point, n) => `${n ? `H${px(point.m[x])}V` : `M${px(point.m[x])},`}${py(point.m[y])}`);
      svg.append(make("path", { class: "steps", d: steps.join("") }));
    }
    for (const point of front) svg.append(make("circle", { class: "ring", cx: px(point.m[x]), cy: py(point.m[y]), r: radius + 3 }));
    const knee = known.find((point) => point.n === study.knee);
    if (knee) svg.append(make("text", { class: "star", x: px(knee.m[x]), y: py(knee.m[y]) + 8, "text-anchor": "middle", style: "font-size: 24px; fill: #D55E00; stroke: #222; stroke-width: 0.6" }, "★"));
    const chosen = make("circle", { class: "chosen-point", r: radius + 5, visibility: "hidden" });
    svg.append(chosen);
    const mark = () => {
      chosen.setAttribute("visibility", kept ? "visible" : "hidden");
      if (kept) { chosen.setAttribute("cx", px(kept.m[x])); chosen.setAttribute("cy", py(kept.m[y])); }
    };
    mark();
    const keys = plain("div");
    keys.className = "keys";
    if (by >= 0) study.axes[by].labels.slice(0, 24).forEach((text, place) => {
      const key = plain("span"), spot = plain("i");
      spot.style.background = colours[place % colours.length];
      key.append(spot, `${study.axes[by].name} ${text}`);
      keys.append(key);
    });
    plot.replaceChildren(keys, svg);
  }

  for (const id of ["x", "y"]) {
    study.metrics.forEach(([, title], number) => choose(id).append(new Option(title, number)));
    choose(id).value = study.metrics.findIndex(([key]) => key === { x: "latency_s", y: "energy_j" }[id]);
  }
  choose("colour").append(new Option("none", -1));
  study.axes.forEach(({ name }, number) => choose("colour").append(new Option(name, number)));
  choose("colour").value = study.axes.findIndex(({ name }) => name === study.colour);
  choose("choose").addEventListener("change", draw);
  choose("choose").addEventListener("submit", (event) => event.preventDefault());
  plot.hidden = choose("hint").hidden = false;
  document.documentElement.classList.add("script");
  draw();
  tell(study.points.find((point) => point.n === study.knee) || study.points[0]);
})();
