// Picking a voice, and how it shall be used: preset and key.
import { openClone } from "./clone.js";
import { el, faultLine, field, number } from "./dom.js";
import { onVoices, store } from "./store.js";
import { TEXT } from "./strings.js";
/** @import { Voice } from "./types.js" */

let groups = 0;

/** @returns {{element: HTMLElement, voice: () => string, say: (message: string) => void}} voice: its id, empty where none is picked */
export function voicePicker() {
  const group = `voice-${++groups}`, fault = faultLine(), list = el("div", { class: "voices" });
  const picked = () => /** @type {HTMLInputElement | null} */ (list.querySelector("input:checked"))?.value ?? "";
  const draw = (/** @type {string} */ wanted) => {
    const known = store.voices.some((voice) => voice.id === wanted) ? wanted : store.voices[0]?.id;
    list.replaceChildren(...store.voices.map((voice) => choice(group, voice, voice.id === known)));
    if (!store.voices.length) list.append(el("p", { class: "quiet" }, TEXT.voice.none));
  };
  onVoices(() => draw(picked()));
  list.addEventListener("change", () => fault.say(""));
  const clone = el("button", { type: "button", class: "soft", onclick: () => openClone((made) => { draw(made.id); fault.say(""); }) }, `+ ${TEXT.voice.clone}`);
  const element = el("fieldset", { class: "picker" }, el("legend", {}, TEXT.voice.title), list, clone, fault);
  return { element, voice: picked, say: fault.say };
}

/** @param {string} group @param {Voice} voice @param {boolean} checked */
function choice(group, voice, checked) {
  const kind = voice.builtin ? TEXT.voice.builtin : voice.adapted ? TEXT.voice.adapted : TEXT.voice.cloned;
  const facts = [kind, voice.f0_median_hz ? TEXT.voice.pitch(number(Math.round(voice.f0_median_hz))) : ""].filter(Boolean).join(" · ");
  return el("label", { class: "voice" }, el("input", { type: "radio", name: group, value: voice.id, checked }), el("span", {}, el("b", {}, voice.name), el("small", {}, facts)));
}

/**
 * @param {{key?: boolean, preset?: boolean}} [asked] what can be set
 * @returns {{element: HTMLElement, preset: () => string, pitch: () => string, add: (row: HTMLElement) => void}}
 */
export function settings({ key = true, preset = true } = {}) {
  const presets = presetField(), pitch = pitchFields();
  const rows = el("div", { class: "rows" }, key ? pitch.rows : [], preset ? presets.row : null);
  const element = el("details", { class: "more" }, el("summary", {}, preset ? TEXT.settings.more : TEXT.settings.key), rows);
  return { element, preset: presets.value, pitch: pitch.value, add: (row) => rows.append(row) };
}

function presetField() {
  const about = el("small", {}), presets = el("select", { onchange: () => describe() }, store.models.presets.map((p) => el("option", { value: p.name, selected: p.name === store.models.default_preset }, p.name)));
  const describe = () => { about.textContent = store.models.presets.find((p) => p.name === presets.value)?.about ?? ""; };
  describe();
  const row = field(TEXT.settings.preset, presets);
  about.id = `${presets.id}-about`;
  presets.setAttribute("aria-describedby", about.id);
  row.append(about);
  return { row, value: () => presets.value };
}

function pitchFields() {
  const way = el("select", {}, el("option", { value: "auto" }, TEXT.settings.auto), el("option", { value: "by" }, TEXT.settings.manual));
  const semitones = el("input", { type: "number", min: "-24", max: "24", step: "0.5", value: "0" }), by = field(TEXT.settings.semitones, semitones);
  by.hidden = true;
  way.addEventListener("change", () => { by.hidden = way.value === "auto"; });
  return { rows: [field(TEXT.settings.key, way), by], value: () => (way.value === "auto" ? "auto" : semitones.value || "0") };
}
