// Original and result, one under the other; the second plays on from where the first was.
import { blobOf } from "./api.js";
import { clock, el } from "./dom.js";
import { waveform } from "./draw.js";
import { decoded } from "./sound.js";
import { TEXT } from "./strings.js";

const words = TEXT.result;
/** @type {Set<HTMLAudioElement>} */
const playing = new Set();

/** @typedef {{label: string, blob: Blob, samples: Float32Array, audio: HTMLAudioElement, element: HTMLElement}} Player */

/** @param {string} label @param {string} path of the sound on the server @param {boolean} strong whether it is the result @returns {Promise<Player>} */
export async function player(label, path, strong) {
  const blob = await blobOf(path), { samples, duration_s } = await decoded(blob);
  const audio = new Audio(URL.createObjectURL(blob));
  audio.preload = "auto";
  const button = el("button", { type: "button", class: "play", "aria-label": words.play(label) }), time = el("output", { class: "quiet" }, clock(duration_s));
  const seek = el("input", { type: "range", min: "0", max: String(duration_s), step: "0.01", value: "0", "aria-label": words.seek(label), "aria-valuetext": clock(0) });
  const track = el("div", { class: "track" }, waveform(samples), seek);
  const element = el("div", { class: strong ? "player strong" : "player" }, button, el("div", {}, el("div", { class: "head" }, el("b", {}, label), time), track), audio);
  const follow = () => {
    seek.value = String(audio.currentTime);
    seek.setAttribute("aria-valuetext", clock(audio.currentTime));
    track.style.setProperty("--at", `${(100 * audio.currentTime) / duration_s}%`);
    time.textContent = audio.currentTime ? `${clock(audio.currentTime)} / ${clock(duration_s)}` : clock(duration_s);
    if (!audio.paused) requestAnimationFrame(follow);
  };
  const state = () => {
    button.classList.toggle("playing", !audio.paused);
    button.setAttribute("aria-label", audio.paused ? words.play(label) : words.pause(label));
    audio.paused ? playing.delete(audio) : playing.add(audio);
    follow();
  };
  for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, state);
  seek.addEventListener("input", () => { audio.currentTime = Number(seek.value); follow(); });
  button.addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
  return { label, blob, samples, audio, element };
}

/** The others fall silent when one begins; with `together` it begins at their moment. @param {Player[]} players @param {boolean} together */
export function oneAtATime(players, together) {
  for (const { audio } of players) {
    audio.addEventListener("play", () => {
      for (const other of [...playing].filter((one) => one !== audio)) {
        if (together && players.some((one) => one.audio === other)) audio.currentTime = Math.min(other.currentTime, audio.duration || Infinity);
        other.pause();
      }
    });
  }
}

/** Ends what plays. */
export function silence() {
  playing.forEach((audio) => audio.pause());
}
