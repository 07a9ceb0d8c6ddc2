// What the server has made: opened again, or deleted.
import { ask, json } from "./api.js";
import { announce, clock, el, faultLine, moment } from "./dom.js";
import { resultCard } from "./result.js";
import { voiceName } from "./store.js";
import { TEXT } from "./strings.js";
/** @import { Job } from "./types.js" */

const words = TEXT.history, SHOWN = 100;

/** @returns {HTMLElement & {onshow?: () => void}} */
export function historyTab() {
  const list = el("ul", { class: "jobs" }), fault = faultLine();
  const load = async () => {
    try {
      /** @type {Job[]} */
      const jobs = (await json(`/v1/jobs?limit=${SHOWN}`)).jobs, made = jobs.filter((job) => job.kind !== "evaluate");
      fault.say("");
      list.replaceChildren(...(made.length ? made.map((job) => row(job, refresh)) : [el("li", { class: "quiet" }, words.empty)]));
    } catch (error) {
      fault.say(/** @type {Error} */ (error).message);
    }
  };
  const refresh = el("button", { type: "button", class: "soft", onclick: load }, words.refresh);
  return Object.assign(el("div", {}, el("div", { class: "row" }, refresh), fault, list), { onshow: load });
}

/** @param {Job} job @param {HTMLElement} next where the focus goes when it is deleted */
function row(job, next) {
  const fault = faultLine(), room = el("div", {}), name = job.name || TEXT.job.kinds[job.kind];
  const open = async () => {
    button.disabled = true;
    try {
      room.replaceChildren(await resultCard(job));
      button.remove();
    } catch (error) {
      fault.say(/** @type {Error} */ (error).message);
      button.disabled = false;
    }
  };
  const button = el("button", { type: "button", class: "soft", "aria-label": words.open(name), onclick: open }, words.play);
  const drop = () => ask(`/v1/jobs/${job.id}`, { method: "DELETE" }).then(() => { element.remove(); announce(words.deleted); next.focus(); }, (error) => fault.say(error.message));
  const bin = el("button", { type: "button", class: "plain", "aria-label": words.delete(name), onclick: drop }, TEXT.delete);
  const facts = [TEXT.job.kinds[job.kind], voiceName(job.voice), job.duration_s ? clock(job.duration_s) : "", moment(job.created)].filter(Boolean).join(" · ");
  const element = el("li", { class: "card", "data-job": job.id }, el("div", { class: "head" }, el("div", { class: "who" }, el("b", {}, name), el("small", {}, facts)),
    job.status === "done" ? button : el("span", { class: "chip" }, TEXT.job[job.status]), bin), job.error ? el("p", { class: "fault" }, job.error.message) : null, fault, room);
  return element;
}
