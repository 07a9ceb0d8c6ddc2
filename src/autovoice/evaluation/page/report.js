// Filters, distributions and the list of pairs, the worst first.
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const PAGE_ROWS = 25;
const FILTERS = { system: ["system"], speaker: ["source_speaker", "target_speaker"], sex: ["sex"], preset: ["preset"], kind: ["kind"] };
const HEADLINE = ["secs", "campp", "cer", "f0_rmse_cents", "f0_corr", "dnsmos_ovrl", "dmos", "rtf"];
const TYPING_MS = 120; // what a search waits for before it draws
const HELP = [["1 to 4", "play a recording from where the last one was"], ["j k", "next and previous pair"], ["/", "search"], ["Esc", "silence"]];
const state = { metric: "", order: "worst", find: "", shown: PAGE_ROWS };
const compare = DATA.mode === "compare";
const list = el("div", { id: "pairs" }), cards = el("div", { class: "strips" }), count = el("output", { "aria-live": "polite" });
const rest = el("div", { class: "strips" }), others = el("details", { class: "fold", ontoggle: () => drawRest() }, el("summary", {}, "The other metrics"), rest);
const controls = {}, nodes = new Map(); // a row keeps its element: what was opened stays open
DATA.rows.forEach((row, i) => (row.i = i));

function metricOf(name) {
  return DATA.metrics.find((metric) => metric.name === name);
}

function matching() {
  const words = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  return DATA.rows.filter((row) => {
    const text = `${row.name} ${row.system} ${row.text}`.toLowerCase();
    return words.every((word) => text.includes(word)) &&
      Object.entries(FILTERS).every(([name, keys]) => !state[name] || keys.some((key) => row[key] === state[name]));
  });
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : 0;
}

// How bad: failed above all, then by the metric's way; what has no value comes last.
function severity(metric, rows) {
  const neutral = metric.neutral ?? median(rows.map((row) => row.v[metric.name]).filter((v) => v !== undefined));
  return (row) => {
    const value = row.v[metric.name];
    if (row.failed[metric.name]) return Infinity;
    if (value === undefined) return -Infinity;
    return metric.way ? -metric.way * value : Math.abs(value - neutral);
  };
}

function sorted(rows) {
  const metric = metricOf(state.metric);
  if (!metric) return rows;
  const bad = severity(metric, rows), sign = state.order === "best" ? -1 : 1;
  const none = (row) => 2 * row.system.startsWith("anchor/") + (bad(row) === -Infinity); // anchors are bad by intent
  return rows.toSorted((a, b) => none(a) - none(b) || sign * (bad(b) - bad(a) || 0) || a.i - b.i);
}

function shownValue(row, name) {
  if (row.failed[name]) return "failed";
  if (!compare || !row.was?.[name]) return number(row.v[name]);
  return `${number(row.was[name][0])} → ${number(row.was[name][1])} (${signed(row.v[name])})`;
}

function keyOf(row) {
  if (!state.metric) return "";
  return `${state.metric} ${compare && !row.failed[state.metric] ? (row.v[state.metric] === undefined ? "–" : signed(row.v[state.metric])) : shownValue(row, state.metric)}`;
}

// The row's element, made once; rank and value follow the sorting.
function pairRow(row, rank) {
  if (!nodes.has(row)) nodes.set(row, newPair(row));
  const node = nodes.get(row);
  node.querySelector(".rank").textContent = rank;
  node.querySelector(".key").textContent = keyOf(row);
  return node;
}

function newPair(row) {
  const tags = [row.preset && !row.system.includes(row.preset) ? row.preset : "", row.sex, row.kind === "conversion" ? "" : row.kind].filter(Boolean).join(", ");
  const head = el("summary", {}, el("span", { class: "quiet rank" }), el("span", { class: "who" }, row.name, " ", el("small", {}, [row.system, tags].filter(Boolean).join(" · "))),
    Object.keys(row.failed).length ? el("span", { class: "bad" }, `${Object.keys(row.failed).length} failed`) : null,
    row.same ? el("small", {}, "same audio") : null,
    el("span", { class: "key" }));
  const node = el("details", { class: "pair", id: `pair-${row.i}`, ontoggle: () => {
    if (node.open && !node.querySelector(".body")) node.append(body(row));
    if (!node.open) node.querySelectorAll("audio").forEach((audio) => audio.pause());
  } }, head);
  return node;
}

function body(row) {
  const clips = row.clips.map(([label, index]) => [label, DATA.clips[index]]);
  const figures = clips.map(([label, clip], i) => player(label, clip, i + 1));
  const reasons = Map.groupBy(Object.entries(row.failed), ([, why]) => why); // a missing file fails every metric
  const failed = [...reasons].map(([why, all]) => el("p", { class: "bad" }, `${all.map(([name]) => name).join(", ")} failed: ${why}`));
  const values = DATA.metrics.filter((m) => row.v[m.name] !== undefined).map((m) => el("div", {}, el("dt", {}, m.name), el("dd", {}, shownValue(row, m.name))));
  const note = clips.length ? null : el("p", { class: "quiet" }, `Not in this page, which would grow too large: ${row.files}`);
  return el("div", { class: "body" }, row.text ? el("p", { class: "quiet" }, `“${row.text}”`) : null, failed, note,
    el("div", { class: "clips" }, figures), melodyOf(row, clips), el("dl", { class: compare ? "values wide" : "values" }, values));
}

function melodyOf(row, clips) {
  const named = Object.fromEntries(clips.filter(([, clip]) => !clip.fault)), shift = row.v.shift_st;
  if (!named.source) return null;
  if (compare) return melody(["A", "B", "source"].filter((name) => named[name]).map((name) => ({ label: name, clip: named[name] })));
  if (!named.converted) return null;
  const moved = shift === undefined ? "source" : `source, shifted by the measured ${signed(shift)} st`;
  return melody([{ label: moved, clip: named.source, shift }, { label: "converted", clip: named.converted }]);
}

function drawn(metrics, rows) {
  return metrics.map((metric) => strips(metric, rows, DATA, rows.length < DATA.rows.length, reveal)).filter(Boolean);
}

function drawRest() {
  rest.replaceChildren(...(others.open ? drawn(DATA.metrics.filter((m) => !HEADLINE.includes(m.name)), matching()) : []));
}

function render() {
  const rows = matching(), ordered = sorted(rows);
  cards.replaceChildren(...drawn(DATA.metrics.filter((m) => HEADLINE.includes(m.name)), rows));
  drawRest();
  list.replaceChildren();
  showMore(ordered, state.shown);
  if (!ordered.length) list.append(el("p", { class: "quiet" }, "No pair is like that."));
  count.textContent = `${rows.length} of ${DATA.rows.length} pairs`;
}

// Lengthens the list to `shown` rows; those that are there stay as they are, and play on.
function showMore(ordered, shown) {
  state.shown = shown;
  list.querySelector(".more")?.remove();
  const have = list.querySelectorAll(".pair").length;
  list.append(...ordered.slice(have, shown).map((row, i) => pairRow(row, have + i + 1)));
  if (ordered.length > shown) {
    list.append(el("button", { class: "more", type: "button", onclick: () => showMore(ordered, shown + PAGE_ROWS) }, `Show more (${ordered.length - shown} left)`));
  }
}

function choose(changes) {
  Object.assign(state, { shown: PAGE_ROWS }, changes);
  for (const [name, control] of Object.entries(controls)) control.value = state[name] ?? "";
  render();
}

function reveal(row) {
  const ordered = sorted(matching()), place = ordered.indexOf(row);
  if (place >= state.shown) showMore(ordered, place + 1);
  focusPair(nodes.get(row));
}

function focusPair(node) {
  if (!node) return;
  node.open = true;
  node.querySelector("summary").focus();
  node.scrollIntoView({ block: "nearest" });
}

function select(name, label, options) {
  controls[name] = el("select", { name, onchange: (event) => choose({ [name]: event.target.value }) }, options.map(([value, text]) => el("option", { value }, text)));
  return el("label", {}, label, controls[name]);
}

function toolbar() {
  const metrics = DATA.metrics.map((m) => [m.name, `${m.name} (${m.unit})`]);
  const parts = [select("metric", "sort by", metrics), select("order", "order", [["worst", "worst first"], ["best", "best first"]])];
  for (const [name, keys] of Object.entries(FILTERS)) {
    const values = distinct(DATA.rows.flatMap((row) => keys.map((key) => row[key])));
    if (values.length > 1) parts.push(select(name, name, [["", "all"], ...values.map((v) => [v, v])]));
  }
  let waiting = 0;
  controls.find = el("input", { type: "search", placeholder: "name or words", oninput: (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => choose({ find: event.target.value }), TYPING_MS);
  } });
  const reset = el("button", { type: "button", onclick: () => choose({ ...Object.fromEntries(Object.keys(FILTERS).map((n) => [n, ""])), find: "" }) }, "Clear");
  return el("form", { class: "tools", "aria-label": "filters", onsubmit: (event) => event.preventDefault() }, parts, el("label", {}, "search", controls.find), reset, count);
}

function playNumber(key) {
  const open = document.activeElement.closest?.(".pair[open]") || document.querySelector(".pair[open]");
  const audios = [...(open?.querySelectorAll(".clip") || [])].map((figure) => figure.querySelector("audio"));
  const next = audios[key - 1], last = audios.find((audio) => audio && !audio.paused) || audios.find((audio) => audio?.dataset.last);
  if (!next) return;
  audios.forEach((audio) => audio && delete audio.dataset.last);
  next.dataset.last = "yes";
  if (next === last && !next.paused) return next.pause();
  const at = last && last !== next ? last.currentTime : next.currentTime;
  next.currentTime = at < next.duration ? at : 0;
  next.play();
}

function step(by) {
  const pairs = [...list.querySelectorAll(".pair")], now = pairs.indexOf(document.activeElement.closest?.(".pair"));
  if (now >= 0) pairs[now].open = false;
  focusPair(pairs[Math.max(0, Math.min(pairs.length - 1, now + by))]);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") document.querySelectorAll("audio").forEach((audio) => audio.pause());
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if ("1234".includes(event.key)) playNumber(Number(event.key));
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") controls.find.focus();
  else return;
  event.preventDefault();
});

// An item that the gate names: its row's name, and mostly what fell, in brackets.
document.querySelectorAll("button.find").forEach((button) => button.addEventListener("click", () => {
  const { find, system, metric } = button.dataset;
  const named = DATA.rows.filter((row) => (!system || row.system === system) && (find === row.name || find.startsWith(`${row.name} (`)));
  const row = named.sort((a, b) => b.name.length - a.name.length)[0];
  const none = Object.fromEntries(Object.keys(FILTERS).map((name) => [name, ""]));
  choose({ ...none, find: row?.name ?? find, system: row?.system ?? "", ...(metricOf(metric) ? { metric } : {}) });
  if (row) reveal(row);
  else list.scrollIntoView({ block: "nearest" });
}));

document.getElementById("distributions").append(cards, DATA.metrics.every((m) => HEADLINE.includes(m.name)) ? "" : others);
document.getElementById("list").append(el("p", { class: "quiet help" }, HELP.map(([key, what]) => el("span", {}, el("kbd", {}, key), ` ${what}`))), list);
document.getElementById("tools").replaceWith(toolbar());
state.metric = (metricOf("campp") || DATA.metrics[0])?.name || "";
choose({});
