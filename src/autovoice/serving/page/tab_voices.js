// The voices: what is known of each, whose consent it has, and its end.
import { openClone } from "./clone.js";
import { announce, clock, el, faultLine, moment, number } from "./dom.js";
import { deleteVoice, onVoices, store } from "./store.js";
import { TEXT } from "./strings.js";
/** @import { Voice } from "./types.js" */

const words = TEXT.voices;

export function voicesTab() {
  const list = el("div", { class: "grid" });
  const clone = el("button", { type: "button", class: "main", onclick: () => openClone(() => {}) }, TEXT.voice.clone);
  onVoices(() => list.replaceChildren(...(store.voices.length ? store.voices.map((voice) => card(voice, clone)) : [el("p", { class: "quiet" }, TEXT.voice.none)])));
  return el("div", {}, el("div", { class: "row" }, clone), list);
}

/** @param {Voice} voice @param {HTMLElement} next where the focus goes when it is deleted */
function card(voice, next) {
  const facts = [
    [words.speech, voice.speech_s ? clock(voice.speech_s) : null],
    [words.pitch, voice.f0_median_hz ? TEXT.voice.pitch(number(Math.round(voice.f0_median_hz))) : null],
    [words.snr, Number.isFinite(voice.snr_db) ? `${number(Math.round(Number(voice.snr_db)))} dB` : null],
    [words.verdict, [voice.verdict, ...(voice.reasons ?? [])].filter(Boolean).join("; ")],
    [words.adapted, voice.adapted ? words.yes : words.no],
    [words.created, voice.created ? moment(voice.created) : null],
    [words.consent, voice.consent],
  ].filter(([, value]) => value);
  return el("article", { class: "card", "data-voice": voice.id }, el("div", { class: "head" }, el("h2", {}, voice.name), el("span", { class: "chip" }, voice.builtin ? TEXT.voice.builtin : TEXT.voice.cloned)),
    el("dl", { class: "facts" }, facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat()), voice.builtin ? null : deletion(voice, next));
}

/** @param {Voice} voice @param {HTMLElement} next */
function deletion(voice, next) {
  const fault = faultLine(), row = el("div", { class: "row" });
  const first = el("button", { type: "button", class: "plain", "aria-label": words.deleteNamed(voice.name), onclick: () => { row.replaceChildren(el("p", {}, words.sure(voice.name)), sure, keep); keep.focus(); } }, words.delete);
  const keep = el("button", { type: "button", class: "soft", onclick: () => { row.replaceChildren(first); first.focus(); } }, words.keep);
  const sure = el("button", { type: "button", class: "soft danger", onclick: () => deleteVoice(voice.id).then(() => { announce(words.deleted(voice.name)); next.focus(); }, (error) => fault.say(error.message)) }, words.really);
  row.append(first);
  return el("div", {}, row, fault);
}
