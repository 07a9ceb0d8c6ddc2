// Clips: each a button that plays it from its beginning, shows how far it is, and knows whether it was heard to its end.
"use strict";

const loading = new Map();

// The address of a clip's sound in memory; asked for once, so that the next trial's clips can come early.
function fetched(url) {
  if (!loading.has(url)) {
    loading.set(url, fetch(url).then(async (answer) => {
      if (!answer.ok) throw new Error((await answer.json()).detail);
      return URL.createObjectURL(await answer.blob());
    }));
    loading.get(url).catch(() => loading.delete(url));
  }
  return loading.get(url);
}

function forget(url) {
  loading.get(url)?.then((address) => URL.revokeObjectURL(address), () => null);
  loading.delete(url);
}

function makePlayer({ url, label, key }, changed) {
  const audio = new Audio(), bar = el("progress", { max: 1, value: 0, "aria-hidden": "true" }), note = el("small", {}, "loading");
  const icon = svg("svg", { viewBox: "0 0 46 46", "aria-hidden": "true" }, svg("circle", { cx: 23, cy: 23, r: 23 }),
    svg("path", { class: "go", d: "M18 13.5L34 23 18 32.5Z" }), svg("path", { class: "stop", d: "M16 16H30V30H16Z" }));
  const button = el("button", { type: "button", class: "play", disabled: "", "aria-keyshortcuts": key, onclick: () => player.toggle() },
    icon, el("span", {}, el("b", {}, label), note), bar, el("kbd", { "aria-hidden": "true" }, key));
  let from = 0, onEnd = null;
  const player = { button, heard: false, seconds: 0, fault: "", get playing() { return !audio.paused; } };

  player.stop = () => { onEnd = null; audio.pause(); };
  player.play = (then = null) => {
    if (button.disabled) return;
    audio.currentTime = 0;
    onEnd = then;
    audio.play();
  };
  player.toggle = () => (player.playing ? player.stop() : player.play());
  player.ready = fetched(url).then((address) => {
    audio.src = address;
    note.textContent = "";
    button.disabled = false;
  }).catch((error) => {
    player.fault = note.textContent = error.message;
    changed(player);
  });

  audio.addEventListener("play", () => { from = audio.currentTime; button.classList.add("playing"); changed(player); });
  audio.addEventListener("pause", () => { player.seconds += Math.max(0, audio.currentTime - from); button.classList.remove("playing"); });
  audio.addEventListener("timeupdate", () => { bar.value = audio.currentTime / (audio.duration || 1); });
  audio.addEventListener("ended", () => {
    player.heard = true;
    note.textContent = "heard";
    bar.value = 1;
    changed(player);
    const then = onEnd;
    onEnd = null;
    then?.();
  });
  return player;
}

// One after the other, from the first; a second call while any plays is silence.
function playInTurn(players) {
  if (players.some((player) => player.playing)) return players.forEach((player) => player.stop());
  const next = (i) => i < players.length && players[i].play(() => next(i + 1));
  next(0);
}
