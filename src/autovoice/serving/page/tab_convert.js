// Speech and songs: a recording, a voice, a button.
import { upload } from "./api.js";
import { el } from "./dom.js";
import { settings, voicePicker } from "./picker.js";
import { resultPlace } from "./run.js";
import { soundSource } from "./source.js";
import { TEXT } from "./strings.js";

export function speechTab() {
  return convertTab(TEXT.source.speech, TEXT.source.missing, TEXT.act.speech, "/v1/convert", []);
}

export function songTab() {
  const stems = el("input", { type: "checkbox" }), row = el("label", { class: "check" }, stems, TEXT.settings.stems);
  return convertTab(TEXT.source.song, TEXT.source.missingSong, TEXT.act.song, "/v1/songs", [row], () => ({ keep_stems: String(stems.checked) }));
}

/**
 * @param {string} label @param {string} missing @param {string} verb @param {string} path
 * @param {HTMLElement[]} extras rows of the settings
 * @param {() => Record<string, string>} [fields] what they add to the request
 */
function convertTab(label, missing, verb, path, extras, fields = () => ({ wait: "false" })) {
  const source = soundSource({ label }), picker = voicePicker(), how = settings(), place = resultPlace();
  extras.forEach(how.add);
  const submit = el("button", { type: "submit", class: "main" }, verb);
  const go = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const [file] = source.files(), voice = picker.voice();
    source.say(file ? "" : missing);
    picker.say(voice ? "" : TEXT.voice.missing);
    if (!file || !voice) return;
    submit.disabled = true;
    place.element.scrollIntoView({ block: "nearest" });
    const sent = { file, voice, preset: how.preset(), pitch: how.pitch(), ...fields() };
    await place.start(() => upload(path, sent));
    submit.disabled = false;
  };
  const form = el("form", { class: "card task", onsubmit: go }, source.element, picker.element, how.element, submit);
  return el("div", { class: "desk" }, form, place.element);
}
