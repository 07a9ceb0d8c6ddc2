// A new voice: name, recordings, consent.
import { upload } from "./api.js";
import { announce, el, faultLine, field } from "./dom.js";
import { soundSource } from "./source.js";
import { loadVoices } from "./store.js";
import { TEXT } from "./strings.js";
/** @import { Voice } from "./types.js" */

const words = TEXT.clone;

/** Opens the form over the page. @param {(voice: Voice) => void} onMade */
export function openClone(onMade) {
  const name = el("input", { type: "text", maxlength: "60", autocomplete: "off" }), consent = el("textarea", { rows: "3" });
  const sounds = soundSource({ label: TEXT.source.reference, many: true, hint: TEXT.source.referenceHint });
  const fault = faultLine(), submit = el("button", { type: "submit", class: "main" }, words.submit);
  const cancel = el("button", { type: "button", class: "plain", onclick: () => dialog.close() }, words.cancel);
  const form = el("form", { method: "dialog", novalidate: true }, el("h1", { id: "clone-title" }, words.title), field(words.name, name, words.nameHint), sounds.element, field(words.consent, consent, words.consentHint), fault,
    el("div", { class: "row end" }, cancel, submit));
  const dialog = el("dialog", { "aria-labelledby": "clone-title", onclose: () => dialog.remove() }, form);
  const missing = () => {
    if (!name.value.trim()) return [words.noName, name];
    if (!sounds.files().length) return [TEXT.source.missing, sounds.element.querySelector("button")];
    return consent.value.trim() ? null : [words.noConsent, consent];
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const lack = missing();
    fault.say(lack ? /** @type {string} */ (lack[0]) : "");
    if (lack) return /** @type {HTMLElement} */ (lack[1]).focus();
    submit.disabled = true;
    submit.textContent = words.busy;
    announce(words.busy);
    try {
      const voice = await (await upload("/v1/voices", { name: name.value.trim(), consent: consent.value.trim(), files: sounds.files() })).json();
      await loadVoices();
      announce(words.done(voice.name));
      onMade(voice);
      dialog.close();
    } catch (error) {
      fault.say(/** @type {Error} */ (error).message);
    }
    submit.disabled = false;
    submit.textContent = words.submit;
  });
  document.body.append(dialog);
  dialog.showModal();
}
