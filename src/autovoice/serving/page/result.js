// A finished job: players, spectrogram with pitch, quality, rating.
import { json } from "./api.js";
import { el, faultLine, number, save, signed } from "./dom.js";
import { spectrum } from "./draw.js";
import { oneAtATime, player } from "./players.js";
import { qualityCard } from "./quality.js";
import { ratingForm } from "./rating.js";
import { store, voiceName } from "./store.js";
import { TEXT } from "./strings.js";
/** @import { Job, Pitch } from "./types.js" */
/** @import { Player } from "./players.js" */

const words = TEXT.result;
const DRAWN_S = 600; // longer ones are played, not drawn

/** @param {Job} job that is done @returns {Promise<HTMLElement>} raises Fault where its sound is gone */
export async function resultCard(job) {
  const spoken = job.kind === "speech", base = `/v1/jobs/${job.id}`;
  const wanted = spoken ? [player(words.spoken, `${base}/result`, true)] : [player(words.original, `${base}/source`, false), player(words.converted, `${base}/result`, true)];
  const players = await Promise.all(wanted), result = players[players.length - 1];
  oneAtATime(players, !spoken);
  const name = `${job.name.replace(/\.[^.]+$/, "") || job.kind}_${voiceName(job.voice)}.wav`;
  const download = el("button", { type: "button", class: "soft", onclick: () => save(result.blob, name) }, words.download);
  return el("article", { class: "card result", "data-job": job.id },
    el("div", { class: "head" }, el("h2", {}, voiceName(job.voice) || words.title), download), el("p", { class: "quiet" }, facts(job)),
    job.warnings.map((warning) => el("p", { class: "warning" }, warning)),
    players.map((one) => one.element), spoken ? null : el("small", {}, words.switching),
    pictures(job, players), job.kind === "convert" && store.models.evaluate ? qualityCard(job) : null, ratingForm(job));
}

/** @param {Job} job */
function facts(job) {
  const parts = [job.name, job.preset, job.rtf ? words.rtf(`${number(Math.round(1000 * job.rtf) / 10)} %`) : "", job.shift_st ? words.shift(signed(Math.round(10 * job.shift_st) / 10)) : ""];
  return parts.filter(Boolean).join(" · ");
}

/** @param {Job} job @param {Player[]} players */
function pictures(job, players) {
  const room = el("div", { class: "spectra" }), fault = faultLine(), fold = el("details", { class: "more" }, el("summary", {}, words.spectrogram), room, fault);
  const draw = async () => {
    try {
      /** @type {Pitch | null} */
      const pitch = job.kind === "convert" ? await json(`/v1/jobs/${job.id}/pitch`) : null;
      room.replaceChildren(...players.map((one, i) => spectrum(one.label, one.samples, pitch && (i ? pitch.result : pitch.source))));
    } catch (error) {
      fault.say(/** @type {Error} */ (error).message);
    }
  };
  fold.addEventListener("toggle", draw, { once: true });
  return (job.duration_s ?? 0) > DRAWN_S ? null : fold;
}
