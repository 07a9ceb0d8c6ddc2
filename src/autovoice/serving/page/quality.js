// How good a result is, between floor and ceiling.
import { finished, jobOf, json, post } from "./api.js";
import { announce, el, faultLine, number } from "./dom.js";
import { TEXT } from "./strings.js";
/** @import { Job } from "./types.js" */

const words = TEXT.quality;
/** @type {Record<string, [number, number]>} what stands at the bar's left and right end; the right is better */
const SPANS = { secs: [0.4, 1], campp: [0, 1], f0_rmse_cents: [300, 0], f0_corr: [0, 1], cer: [50, 0], dnsmos_ovrl: [1, 5] };

/** @typedef {{metrics: Record<string, number | null>, anchors?: Record<string, {floor?: number, ceiling?: number}>}} Measured */

/** @param {Job} job a finished conversion */
export function qualityCard(job) {
  const fault = faultLine(), room = el("div", { class: "quality" });
  const measure = async () => {
    button.disabled = true;
    button.textContent = words.busy;
    announce(words.busy);
    fault.say("");
    try {
      const done = await finished(await jobOf(await post("/v1/evaluate", { job: job.id })), ({ progress }) => { button.textContent = `${words.busy} ${TEXT.job.percent(progress)}`; });
      if (done.status !== "done") throw new Error(done.error?.message ?? TEXT.job.cancelled);
      room.replaceChildren(...bars(await json(`/v1/jobs/${done.id}/result`)));
      button.remove();
      announce(TEXT.job.done);
    } catch (error) {
      fault.say(/** @type {Error} */ (error).message);
      button.disabled = false;
      button.textContent = words.measure;
    }
  };
  const button = el("button", { type: "button", class: "soft", onclick: measure }, words.measure);
  return el("section", { class: "part", "aria-label": words.title }, el("h3", {}, words.title), room, button, fault);
}

/** @param {Measured} measured @returns {HTMLElement[]} */
function bars({ metrics, anchors = {} }) {
  const known = Object.entries(words.metrics).filter(([name]) => Number.isFinite(metrics[name]));
  if (!known.length) return [el("p", {}, words.none)];
  const rows = known.map(([name, [label, meaning]]) => bar(name, label, meaning, Number(metrics[name]), anchors[name] ?? {}));
  const anchored = known.some(([name]) => anchors[name]);
  return [el("dl", { class: "bars" }, rows), ...(anchored ? [el("small", {}, words.about)] : [])];
}

/** @param {string} name @param {string} label @param {string} meaning @param {number} value @param {{floor?: number, ceiling?: number}} anchors */
function bar(name, label, meaning, value, { floor, ceiling }) {
  const [low, high] = SPANS[name], place = (/** @type {number} */ x) => `${100 * Math.max(0, Math.min(1, (x - low) / (high - low)))}%`;
  const rail = el("div", { class: "rail", "aria-hidden": "true" }), fill = el("i", { class: "fill" });
  fill.style.width = place(value);
  rail.append(fill);
  for (const [kind, x] of /** @type {[string, number | undefined][]} */ ([["floor", floor], ["ceiling", ceiling]])) {
    if (x === undefined || x === null) continue;
    const tick = el("i", { class: `tick ${kind}` });
    tick.style.left = place(x);
    rail.append(tick);
  }
  const limits = [floor === undefined || floor === null ? "" : words.floorOf(number(floor)), ceiling === undefined || ceiling === null ? "" : words.ceilingOf(number(ceiling))].filter(Boolean);
  return el("div", { "data-metric": name }, el("dt", {}, label, el("small", {}, meaning)), el("dd", {}, el("b", {}, number(value)), rail, el("small", {}, limits.join(" · "))));
}
