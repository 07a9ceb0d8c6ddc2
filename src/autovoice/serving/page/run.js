// One job from the button to its card: sending, progress, cancel, fault, result.
import { ask, finished, jobOf } from "./api.js";
import { announce, el } from "./dom.js";
import { resultCard } from "./result.js";
import { TEXT } from "./strings.js";
/** @import { Job } from "./types.js" */

/** @returns {{element: HTMLElement, start: (send: () => Promise<Response>) => Promise<void>}} */
export function resultPlace() {
  const element = el("div", { class: "place" }, el("div", { class: "card hollow" }, el("p", { class: "quiet" }, TEXT.result.empty)));
  const start = async (/** @type {() => Promise<Response>} */ send) => {
    const waiting = progressCard();
    element.replaceChildren(waiting.element);
    waiting.show("sending", null);
    try {
      const job = await jobOf(await send());
      waiting.cancellable(job);
      const done = job.status === "done" ? job : await finished(job, ({ status, progress }) => waiting.show(status, progress));
      if (done.status === "cancelled") throw new Error(TEXT.job.cancelled);
      if (done.status !== "done") throw new Error(done.error?.message ?? TEXT.job.failed);
      element.replaceChildren(await resultCard(done));
      announce(TEXT.job.done);
    } catch (error) {
      const again = el("button", { type: "button", class: "soft", onclick: () => start(send) }, TEXT.act.retry);
      element.replaceChildren(el("div", { class: "card" }, el("p", { class: "fault", role: "alert" }, /** @type {Error} */ (error).message), again));
    }
  };
  return { element, start };
}

function progressCard() {
  const label = el("b", {}), share = el("span", { class: "quiet" }), bar = el("progress", { max: "1", "aria-label": TEXT.job.running });
  const buttons = el("div", { class: "row" }), element = el("div", { class: "card" }, el("div", { class: "head" }, label, share), bar, buttons);
  return {
    element,
    /** @param {Job["status"] | "sending"} status @param {number | null} progress null = unknown */
    show(status, progress) {
      if (label.textContent !== TEXT.job[status]) announce(TEXT.job[status]);
      label.textContent = TEXT.job[status];
      share.textContent = progress === null ? "" : TEXT.job.percent(progress);
      progress === null ? bar.removeAttribute("value") : (bar.value = progress);
    },
    /** @param {Job} job */
    cancellable(job) {
      buttons.replaceChildren(el("button", { type: "button", class: "soft", onclick: () => ask(`/v1/jobs/${job.id}`, { method: "DELETE" }).catch(() => {}) }, TEXT.act.cancel));
    },
  };
}
