// Live: speak and hear yourself in another voice.
import { announce, el, faultLine } from "./dom.js";
import { levelOf } from "./microphone.js";
import { settings, voicePicker } from "./picker.js";
import { startStream } from "./stream.js";
import { TEXT } from "./strings.js";
/** @import { News } from "./stream.js" */

const words = TEXT.live;

export function liveTab() {
  /** @type {(() => Promise<void>) | null} */
  let stop = null;
  const picker = voicePicker(), how = settings({ preset: false }), fault = faultLine(), view = meters();
  const show = (/** @type {string} */ state) => {
    view.state.textContent = state;
    view.element.classList.toggle("on", stop !== null);
    button.textContent = stop ? words.stop : words.start;
    button.disabled = false;
    announce(state);
  };
  const begin = async () => {
    if (!picker.voice()) return picker.say(TEXT.voice.missing);
    fault.say("");
    button.disabled = true;
    view.state.textContent = words.starting;
    const pitch = how.pitch() === "auto" ? "auto" : Number(how.pitch());
    try {
      stop = await startStream({ voice: picker.voice(), pitch }, view.tell, (message) => { stop = null; fault.say(message); show(words.off); });
      show(words.on);
    } catch (error) {
      fault.say(/** @type {Error} */ (error).message);
      show(words.off);
    }
  };
  const button = el("button", { type: "button", class: "main", onclick: () => (stop ? stop() : begin()) }, words.start);
  return el("div", { class: "desk" }, el("div", { class: "card task" }, picker.element, how.element, button, fault), view.element);
}

function meters() {
  const state = el("b", {}, words.off), latency = el("output", { class: "big" }, "–"), level = el("meter", { min: "0", max: "1", value: "0", "aria-label": words.level });
  const facts = { underruns: el("dd", {}, "–"), compute_ms: el("dd", {}, "–"), late: el("dd", {}, "–") };
  const element = el("section", { class: "card live", "aria-label": words.latency }, el("div", { class: "head" }, state, level),
    el("p", { class: "quiet", id: "latency-label" }, words.latency), latency,
    el("dl", { class: "facts" }, el("dt", {}, words.underruns), facts.underruns, el("dt", {}, words.server), facts.compute_ms, el("dt", {}, words.late), facts.late));
  latency.setAttribute("aria-labelledby", "latency-label");
  latency.setAttribute("aria-live", "off");
  const tell = (/** @type {News} */ news) => {
    if (news.level) level.value = levelOf(news.level);
    if (news.latency_ms !== undefined) latency.textContent = words.ms(news.latency_ms);
    if (news.underruns !== undefined) facts.underruns.textContent = String(news.underruns);
    if (news.compute_ms !== undefined) facts.compute_ms.textContent = words.ms(news.compute_ms);
    if (news.late !== undefined) facts.late.textContent = String(news.late);
  };
  return { element, state, tell };
}
