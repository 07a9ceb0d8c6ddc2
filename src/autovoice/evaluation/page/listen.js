// The test: a name, then a trial after the other; every answer is kept before the next clip is heard.
"use strict";

const ASKED = {
  naturalness: ["How natural does this speech sound?", "Judge the voice and how it speaks, not the words."],
  similarity: ["Is the clip spoken by the person of the reference?", "Judge the voice; words and recording may differ."],
  nearer: ["Which voice is nearer to X: A or B?", "Judge the voice; words and recording may differ. If you cannot tell, guess."],
};
const SCALES = {
  naturalness: ["Bad: not human", "Poor", "Fair", "Good", "Excellent: fully human"],
  similarity: ["Surely another", "Probably another", "Cannot say", "Probably the same", "Surely the same"],
  nearer: ["A is nearer", "B is nearer"],
};
const PLACES = { reference: ["Reference", "r"], clip: ["Clip", "c"], x: ["X, the voice to find", "x"], a: ["A", "a"], b: ["B", "b"] };
const stage = document.getElementById("stage"), status = document.getElementById("status"), progress = document.getElementById("progress");
const state = { listener: "", trials: [], done: 0, total: 0, trial: null, players: {}, form: null, saving: false };

async function ask(path, body) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const answer = await fetch(path, options).catch(() => { throw new Error("The program does not answer. Is it still running?"); });
  const value = await answer.json().catch(() => ({}));
  if (answer.ok) return value;
  throw new Error(typeof value.detail === "string" ? value.detail : "This was not accepted.");
}

function show(...parts) {
  stage.replaceChildren(el("section", { class: "panel" }, parts));
  stage.querySelector("[data-focus]")?.focus();
}

function heading(text) {
  return el("h2", { tabindex: "-1", "data-focus": "" }, text);
}

function keys(...pairs) {
  return el("p", { class: "keys" }, pairs.map(([key, what]) => el("span", {}, el("kbd", {}, key), ` ${what}`)));
}

function alarm(text) {
  const place = stage.querySelector(".alert") || stage.firstChild.appendChild(el("p", { class: "alert", role: "alert" }));
  place.textContent = text;
}

function welcome({ kind, listeners }) {
  const known = localStorage.getItem("listener") || "";
  const field = listeners.length
    ? el("select", { name: "listener", "data-focus": "" }, listeners.map((name) => el("option", { value: name }, name)))
    : el("input", { name: "listener", required: "", maxlength: 40, pattern: "[\\p{L}\\p{N}_\\-]+", title: "letters, digits, - and _", autocomplete: "off", spellcheck: "false", "data-focus": "" });
  if (!listeners.length || listeners.includes(known)) field.value = known;
  const task = kind === "abx" ? "You hear a voice, X, and two clips, and say which of them is nearer to it." : "You hear short clips and rate each from 1 to 5. There is no right answer: say what you hear.";
  show(el("h2", {}, "Thank you for listening"), el("p", {}, task),
    el("ul", {}, el("li", {}, "Take headphones and a quiet room, and leave the volume as it is once it is comfortable."),
      el("li", {}, "You can stop at any time and come back under the same name: every answer is kept at once."),
      el("li", {}, "Everything works from the keyboard.")),
    el("form", { onsubmit: begin }, el("label", { class: "field" }, "Your name or a nickname", field),
      el("div", { class: "onward" }, el("span", {}), el("button", { class: "primary" }, "Begin", el("kbd", { "aria-hidden": "true" }, "Enter")))));
}

async function begin(event) {
  event.preventDefault();
  const listener = new FormData(event.target).get("listener");
  try {
    Object.assign(state, await ask(`/session?listener=${encodeURIComponent(listener)}`), { listener });
    localStorage.setItem("listener", listener);
    advance();
  } catch (error) {
    alarm(error.message);
  }
}

function advance() {
  Object.values(state.trial?.clips || {}).forEach(forget);
  state.trial = state.trials.shift() || null;
  progress.hidden = false;
  progress.querySelector("progress").value = state.total ? state.done / state.total : 1;
  progress.querySelector("span").textContent = `${state.done} of ${state.total}`;
  if (!state.trial) return farewell();
  trial(state.trial);
  Object.values(state.trials[0]?.clips || {}).forEach((url) => fetched(url).catch(() => null));
}

function trial({ question, clips }) {
  const [title, hint] = ASKED[question], two = question === "nearer";
  state.players = Object.fromEntries(Object.entries(clips).map(([place, url]) => [PLACES[place][1], makePlayer({ url, label: PLACES[place][0], key: PLACES[place][1] }, changed)]));
  const players = Object.values(state.players), values = two ? ["a", "b"] : ["1", "2", "3", "4", "5"];
  const options = values.map((value, i) => el("label", {}, el("input", { type: "radio", name: "answer", value, onchange: changed }),
    el("b", { "aria-hidden": "true" }, value.toUpperCase()), el("span", {}, SCALES[question][i])));
  state.form = el("form", { onsubmit: save }, el("div", { class: "players" }, players.map((player) => player.button)),
    el("fieldset", { disabled: "" }, el("legend", {}, "Your answer"), el("div", { class: two ? "scale two" : "scale" }, options)),
    el("div", { class: "onward" }, el("small", { class: "hint" }), el("button", { class: "primary next", disabled: "" }, "Next", el("kbd", { "aria-hidden": "true" }, "Enter"))));
  show(heading(title), el("p", { class: "quiet" }, hint), state.form);
  stage.append(keys(["Space", players.length > 1 ? "play all in turn" : "play"], two ? ["1 2", "A or B"] : ["1 to 5", "rate"], ["Enter", "next"]),
    el("p", { class: "keys" }, "You can stop now and come back: your answers are kept."));
  status.textContent = `Trial ${state.done + 1} of ${state.total}. ${title} Space plays.`;
  changed();
}

// What may be done now; a clip that starts silences the others.
function changed(started) {
  const players = Object.values(state.players), faulty = players.find((player) => player.fault);
  if (started?.playing) players.forEach((player) => player !== started && player.stop());
  const fieldset = state.form.querySelector("fieldset"), heard = players.every((player) => player.heard);
  if (heard && fieldset.disabled) status.textContent = "Heard to the end. Your answer?";
  fieldset.disabled = !heard;
  state.form.querySelector(".next").disabled = !faulty && !new FormData(state.form).get("answer");
  state.form.querySelector(".next").firstChild.textContent = faulty ? "Skip" : "Next";
  state.form.querySelector(".hint").textContent = faulty ? faulty.fault : heard ? "" : players.length > 1 ? "First listen to each to its end." : "First listen to the end.";
}

async function save(event) {
  event?.preventDefault();
  const players = Object.values(state.players), answer = new FormData(state.form).get("answer");
  if (state.saving || state.form.querySelector(".next").disabled) return;
  players.forEach((player) => player.stop());
  if (players.some((player) => player.fault)) return advance();
  state.saving = true;
  const listened_s = players.reduce((sum, player) => sum + player.seconds, 0);
  try {
    const { done, total } = await ask("/ratings", { listener: state.listener, trial: state.trial.id, answer, listened_s });
    Object.assign(state, { done, total });
    advance();
  } catch (error) {
    alarm(`Not kept yet. ${error.message} Enter tries again.`);
  } finally {
    state.saving = false;
  }
}

function farewell() {
  const left = state.total - state.done;
  status.textContent = "The test is over. Thank you.";
  show(heading(left ? "That was all that could be played" : "All done. Thank you!"),
    el("p", {}, left ? `${left} of ${state.total} are left: load the page again to try them once more.` : `Your ${state.total} answers are kept. You can close this page.`));
}

document.addEventListener("keydown", (event) => {
  const target = event.target;
  if (!state.trial || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const radio = target.type === "radio", key = event.key.toLowerCase();
  const choice = state.form.querySelectorAll("[name=answer]")[Number(key) - 1];
  if (key === " " && target.tagName !== "BUTTON" && !(radio && !target.checked)) playInTurn(Object.values(state.players));
  else if (key === "enter" && !state.form.querySelector(".next").disabled) save();
  else if (state.players[key]) state.players[key].toggle();
  else if (choice && !state.form.querySelector("fieldset").disabled) choice.click();
  else return;
  event.preventDefault();
});

ask("/test").then(welcome, (error) => { show(); alarm(error.message); });
