// Many recordings into one voice; each with its progress, all results in one zip.
import { blobOf, Fault, finished, jobOf, upload } from "./api.js";
import { announce, el, pause, save } from "./dom.js";
import { settings, voicePicker } from "./picker.js";
import { soundSource } from "./source.js";
import { TEXT } from "./strings.js";
import { distinct, zipOf } from "./zip.js";
/** @import { Job } from "./types.js" */

const AT_ONCE = 2, BUSY = 429;

/** @typedef {{file: File, job: Job | null, show: (text: string, share: number | null, bad?: boolean) => void, element: HTMLElement}} Row */

export function batchTab() {
  const source = soundSource({ label: TEXT.source.batch, many: true }), picker = voicePicker(), how = settings();
  const submit = el("button", { type: "submit", class: "main" }, TEXT.act.batch), place = el("div", { class: "place" }, el("div", { class: "card hollow" }, el("p", { class: "quiet" }, TEXT.result.empty)));
  const go = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const voice = picker.voice(), files = source.files();
    source.say(files.length ? "" : TEXT.source.missingMany);
    picker.say(voice ? "" : TEXT.voice.missing);
    if (!files.length || !voice) return;
    submit.disabled = true;
    const rows = files.map(newRow), count = el("b", {}, TEXT.batch.all(0, rows.length)), actions = el("div", { class: "row" });
    place.replaceChildren(el("div", { class: "card" }, el("div", { class: "head" }, count, actions), el("ul", { class: "batch" }, rows.map((row) => row.element))));
    const fields = { voice, preset: how.preset(), pitch: how.pitch(), wait: "false" }, waiting = [...rows];
    const work = async () => {
      for (let row = waiting.shift(); row; row = waiting.shift()) {
        await convertRow(row, fields);
        count.textContent = TEXT.batch.all(rows.filter((one) => one.job).length, rows.length);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const done = rows.filter((row) => row.job);
    announce(TEXT.batch.all(done.length, rows.length));
    if (done.length) actions.append(zipButton(done));
    submit.disabled = false;
  };
  const form = el("form", { class: "card task", onsubmit: go }, source.element, picker.element, how.element, submit);
  return el("div", { class: "desk" }, form, place);
}

/** @param {File} file @returns {Row} */
function newRow(file) {
  const status = el("span", { class: "quiet" }, TEXT.job.queued), bar = el("progress", { max: "1", value: "0", "aria-label": file.name });
  const element = el("li", {}, el("div", { class: "head" }, el("span", { class: "who" }, file.name), status), bar);
  /** @type {Row["show"]} */
  const show = (text, share, bad = false) => {
    status.textContent = text;
    element.classList.toggle("bad", bad);
    share === null ? bar.removeAttribute("value") : (bar.value = share);
  };
  return { file, job: null, show, element };
}

/** @param {Row} row @param {Record<string, string>} fields */
async function convertRow(row, fields) {
  try {
    row.show(TEXT.job.sending, null);
    const job = await jobOf(await patient(() => upload("/v1/convert", { file: row.file, ...fields })));
    const done = await finished(job, ({ status, progress }) => row.show(TEXT.job[status], progress));
    if (done.status !== "done") throw new Error(done.error?.message ?? TEXT.job[done.status]);
    row.job = done;
    row.show(TEXT.job.done, 1);
  } catch (error) {
    row.show(/** @type {Error} */ (error).message, 0, true);
  }
}

/** Asks again when a busy server said it may. @param {() => Promise<Response>} send */
async function patient(send) {
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof Fault) || error.status !== BUSY || !error.retry_s) throw error;
      await pause(error.retry_s);
    }
  }
}

/** @param {Row[]} done */
function zipButton(done) {
  const names = distinct(done.map((row) => row.file.name.replace(/\.[^.]+$/, "") + ".wav"));
  const pack = async () => {
    const files = [];
    for (const [i, row] of done.entries()) files.push({ name: names[i], blob: await blobOf(`/v1/jobs/${row.job?.id}/result`) });
    save(await zipOf(files), "autovoice.zip");
  };
  const button = el("button", { type: "button", class: "soft", onclick: () => pack().catch((error) => { button.replaceWith(el("p", { class: "fault", role: "alert" }, error.message)); }) }, TEXT.act.zip);
  return button;
}
