// Distributions: a strip a system, a dot a pair, the mean, its interval, floor and ceiling.
"use strict";

const MAX_DOTS = 300, STRIP_W = 300, LINE_H = 30;

function strips(metric, rows, data, filtered, open) {
  const values = rows.map((row) => row.v[metric.name]).filter((v) => v !== undefined);
  if (!values.length) return null;
  const bySystem = Map.groupBy(rows.filter((row) => row.v[metric.name] !== undefined), (row) => row.system);
  const limits = filtered ? [] : [...bySystem.keys()].flatMap((system) => (data.systems[system]?.[metric.name] || []).slice(3));
  const all = [...values, ...limits.filter((v) => v !== null), ...(data.mode === "compare" ? [0] : [])];
  let low = all.reduce((a, b) => Math.min(a, b)), high = all.reduce((a, b) => Math.max(a, b));
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const x = (v) => 6 + ((STRIP_W - 12) * (v - low)) / (high - low);
  const systems = [...bySystem.keys()].sort((a, b) => a.startsWith("anchor/") - b.startsWith("anchor/") || a.localeCompare(b));
  const height = systems.length * LINE_H + 16;
  const drawing = svg("svg", { viewBox: `0 0 ${STRIP_W} ${height}`, role: "img", "aria-label": `distribution of ${metric.name}` });
  if (data.mode === "compare") drawing.append(svg("path", { d: `M${x(0)} 0V${height - 14}`, class: "zero" }));
  systems.forEach((system, i) => drawing.append(line(system, i * LINE_H, bySystem.get(system))));
  drawing.append(svg("text", { x: 6, y: height - 2 }, number(low)), svg("text", { x: STRIP_W - 6, y: height - 2, "text-anchor": "end" }, number(high)));

  function line(system, top, own) {
    const y = top + 20, sorted = own.toSorted((a, b) => a.v[metric.name] - b.v[metric.name]);
    const step = Math.max(1, sorted.length / MAX_DOTS), dots = [];
    for (let k = 0; k < sorted.length; k += step) dots.push(sorted[Math.floor(k)]);
    const group = svg("g", { class: system.startsWith("anchor/") ? "anchor" : "own" });
    group.append(svg("text", { x: 6, y: top + 10 }, `${system} (${own.length})`), svg("path", { d: `M6 ${y}H${STRIP_W - 6}`, class: "rail" }));
    for (const row of dots) {
      const title = svg("title", {}, `${row.name}: ${number(row.v[metric.name])}`);
      group.append(svg("circle", { cx: x(row.v[metric.name]).toFixed(1), cy: y, r: 3.2, class: "dot", onclick: () => open(row) }, title));
    }
    const mean = own.reduce((sum, row) => sum + row.v[metric.name], 0) / own.length;
    group.append(svg("path", { d: `M${x(mean)} ${y - 7}V${y + 7}`, class: "mean" }, svg("title", {}, `mean ${number(mean)}`)));
    const known = filtered ? null : data.systems[system]?.[metric.name];
    if (known && known[1] !== null) group.append(svg("path", { d: `M${x(known[1])} ${y + 6}H${x(known[2])}`, class: "span" }));
    for (const [value, name] of known ? [[known[3], "floor"], [known[4], "ceiling"]] : []) {
      if (value !== null) group.append(svg("path", { d: `M${x(value)} ${y - 5}l4 5l-4 5l-4 -5z`, class: "limit" }, svg("title", {}, `${name} ${number(value)}`)));
    }
    return group;
  }

  const way = { 1: "↑ higher is better", "-1": "↓ lower is better", 0: "any change is one" }[metric.way];
  const title = el("h3", {}, metric.name, " ", el("small", {}, `${metric.unit}; ${way}`));
  return el("div", { class: "strip", "data-metric": metric.name }, title, el("small", {}, metric.what), drawing);
}
