// Sorts, filters and switches metrics; the state is in the address, so a view can be shared:
// #metric=energy&sort=-latency_s&axis.architecture=fetta&q=text
"use strict";
(() => {
  const { rows, metrics, axes } = JSON.parse(document.getElementById("comparison").textContent);
  const table = document.getElementById("runs");
  const body = table.tBodies[0];
  const lines = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const buttons = Array.from(document.querySelectorAll(".metrics button"));
  const selects = Array.from(document.querySelectorAll("select[data-axis]"));
  const search = document.getElementById("search");
  const columns = new Set(heads.map((head) => head.dataset.column));
  let state;

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const metric = given.get("metric");
    const sort = given.get("sort") || "";
    state = {
      metric: metrics.includes(metric) ? metric : metrics[0],
      sort: columns.has(sort.replace(/^-/, "")) ? sort : "",
      axes: {},
      q: given.get("q") || "",
    };
    for (const select of selects) {
      const value = given.get(`axis.${select.dataset.axis}`);
      const known = Array.from(select.options).some((option) => option.value === value);
      state.axes[select.dataset.axis] = known ? value : "";
    }
  }

  function write() {
    const told = new URLSearchParams();
    if (state.metric !== metrics[0]) told.set("metric", state.metric);
    if (state.sort) told.set("sort", state.sort);
    for (const [axis, value] of Object.entries(state.axes)) if (value) told.set(`axis.${axis}`, value);
    if (state.q) told.set("q", state.q);
    history.replaceState(null, "", `#${told}`);
  }

  // What is not known comes last, whichever way the others go.
  function compare(left, right, column, turn) {
    const a = rows[left][column];
    const b = rows[right][column];
    const missing = (a === null || a === "") - (b === null || b === "");
    if (missing) return missing;
    if (typeof a === "number" && typeof b === "number" && a !== b) return turn * (a - b);
    const order = String(a).localeCompare(String(b), "en", { numeric: true });
    return turn * order || left - right;
  }

  function isShown(row) {
    const fits = axes.every(([axis, column]) => !state.axes[axis] || row[column] === state.axes[axis]);
    const text = ["name", "status", "limited_by", ...axes.map(([, column]) => column)]
      .map((column) => String(row[column])).join(" ").toLowerCase();
    return fits && state.q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  function show() {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.metric === state.metric));
    }
    for (const part of document.querySelectorAll("[data-of]")) {
      part.hidden = part.dataset.of !== state.metric;
    }
    for (const cell of document.querySelectorAll("[data-value-of]")) {
      cell.classList.toggle("chosen", cell.dataset.valueOf === state.metric);
    }
    const column = state.sort.replace(/^-/, "");
    const turn = state.sort.startsWith("-") ? -1 : 1;
    for (const head of heads) {
      head.removeAttribute("aria-sort");
      if (column && head.dataset.column === column) {
        head.setAttribute("aria-sort", turn < 0 ? "descending" : "ascending");
      }
    }
    const number = (line) => Number(line.dataset.row);
    const ordered = lines.slice().sort((a, b) =>
      column ? compare(number(a), number(b), column, turn) : number(a) - number(b));
    let shown = 0;
    for (const line of ordered) {
      line.hidden = !isShown(rows[number(line)]);
      shown += !line.hidden;
      body.append(line);
    }
    for (const select of selects) select.value = state.axes[select.dataset.axis];
    if (search.value !== state.q) search.value = state.q;
    document.getElementById("shown").textContent = `${shown} of ${lines.length} runs`;
  }

  function change(part) {
    state = { ...state, ...part };
    write();
    show();
  }

  for (const button of buttons) {
    button.addEventListener("click", () => change({ metric: button.dataset.metric }));
  }
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    const column = head.dataset.column;
    button.addEventListener("click", () => {
      // The best first: of ratios that is the largest.
      const turns = column.endsWith("_x") ? [`-${column}`, column, ""] : [column, `-${column}`, ""];
      change({ sort: turns[(turns.indexOf(state.sort) + 1) % turns.length] });
    });
  }
  for (const select of selects) {
    select.addEventListener("change", () =>
      change({ axes: { ...state.axes, [select.dataset.axis]: select.value } }));
  }
  search.addEventListener("input", () => change({ q: search.value }));
  document.getElementById("reset").addEventListener("click", () =>
    change({ sort: "", q: "", axes: Object.fromEntries(selects.map((s) => [s.dataset.axis, ""])) }));
  document.querySelector(".controls").addEventListener("submit", (event) => event.preventDefault());
  // A link to a section is no view.
  window.addEventListener("hashchange", () => {
    if (location.hash.length > 1 && !location.hash.includes("=")) return;
    read();
    show();
  });
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });

  document.documentElement.classList.add("script");
  read();
  show();
})();
