// Text, spoken in a voice.
import { post } from "./api.js";
import { el, faultLine, field } from "./dom.js";
import { settings, voicePicker } from "./picker.js";
import { resultPlace } from "./run.js";
import { store } from "./store.js";
import { TEXT } from "./strings.js";

export function textTab() {
  const limit = store.models.limits.text_chars, fault = faultLine();
  const text = el("textarea", { rows: "6", maxlength: String(limit), placeholder: TEXT.text.placeholder }), left = el("small", { class: "quiet" }, TEXT.text.left(limit));
  text.addEventListener("input", () => { left.textContent = TEXT.text.left(limit - text.value.length); fault.say(""); });
  const lang = el("select", {}, store.models.languages.map((name) => el("option", { value: name }, name)));
  const speed = el("input", { type: "number", min: "0.5", max: "2", step: "0.1", value: "1" });
  const picker = voicePicker(), how = settings({ key: false }), place = resultPlace();
  how.add(field(TEXT.settings.speed, speed));
  if (store.models.languages.length > 1) how.add(field(TEXT.settings.language, lang));
  const submit = el("button", { type: "submit", class: "main" }, TEXT.act.text);
  const go = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const said = text.value.trim(), voice = picker.voice();
    fault.say(said ? "" : TEXT.text.missing);
    picker.say(voice ? "" : TEXT.voice.missing);
    if (!said || !voice) return;
    submit.disabled = true;
    const asked = { text: said, voice, preset: how.preset(), speed: Number(speed.value) || 1, lang: lang.value || undefined };
    await place.start(() => post("/v1/speech", asked));
    submit.disabled = false;
  };
  const form = el("form", { class: "card task", onsubmit: go }, el("section", {}, field(TEXT.text.label, text), left, fault), picker.element, how.element, submit);
  return el("div", { class: "desk" }, form, place.element);
}
