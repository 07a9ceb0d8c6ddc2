// Where sound comes in: dropped, chosen or recorded; shown with its waveform.
import { announce, clock, el, faultLine, svg } from "./dom.js";
import { waveform } from "./draw.js";
import { record } from "./microphone.js";
import { decoded } from "./sound.js";
import { store } from "./store.js";
import { TEXT } from "./strings.js";

const DRAWN_BYTES = 100e6; // larger ones would take the page's memory
const MB = 1024 ** 2;
const words = TEXT.source;

/** @typedef {{element: HTMLElement, files: () => File[], say: (message: string) => void}} Source */

/** @param {{label: string, many?: boolean, hint?: string, onchange?: () => void}} options @returns {Source} */
export function soundSource({ label, many = false, hint, onchange = () => {} }) {
  /** @type {Map<File, HTMLElement>} */
  const held = new Map();
  const fault = faultLine(), list = el("ul", { class: "clips" });
  const take = (/** @type {Iterable<File>} */ files) => {
    fault.say("");
    for (const file of files) {
      if (file.size > store.models.limits.upload_bytes) {
        fault.say(words.tooBig(file.name, Math.floor(store.models.limits.upload_bytes / MB)));
        continue;
      }
      if (!many) drop();
      const row = clip(file, () => { drop(file); picker.focus(); });
      held.set(file, row);
      list.append(row);
      announce(words.added(file.name));
    }
    onchange();
  };
  const drop = (/** @type {File | null} */ file = null) => {
    for (const [known, row] of held) {
      if (file && known !== file) continue;
      row.remove();
      held.delete(known);
    }
    fault.say("");
    onchange();
  };
  const input = el("input", { type: "file", accept: "audio/*,.wav,.flac,.mp3,.ogg,.opus,.m4a,.aac", multiple: many, hidden: true });
  input.addEventListener("change", () => { take([...(input.files ?? [])]); input.value = ""; });
  const picker = el("button", { type: "button", class: "soft", onclick: () => input.click() }, many ? words.chooseMany : words.choose);
  const zone = el("div", { class: "zone" }, icon(), el("p", {}, many ? words.dropMany : words.drop), el("div", { class: "row" }, picker, recorder((file) => take([file]), fault.say)),
    el("small", {}, hint ?? words.limits(Math.round(store.models.limits.upload_s / 60), Math.floor(store.models.limits.upload_bytes / MB))));
  droppable(zone, take);
  const element = el("section", { class: "source", "aria-label": label }, el("h2", {}, label), zone, input, list, fault);
  return { element, files: () => [...held.keys()], say: fault.say };
}

function icon() {
  return svg("svg", { viewBox: "0 0 32 20", class: "icon", "aria-hidden": "true" }, svg("path", { d: "M2 8v4M7 4v12M12 7v6M17 1v18M22 5v10M27 8v4" }));
}

/** @param {HTMLElement} zone @param {(files: File[]) => void} take */
function droppable(zone, take) {
  const over = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    zone.classList.toggle("over", event.type !== "drop" && event.type !== "dragleave");
  };
  for (const name of /** @type {const} */ (["dragenter", "dragover", "dragleave", "drop"])) zone.addEventListener(name, over);
  zone.addEventListener("drop", (event) => take([...(event.dataTransfer?.files ?? [])]));
}

/** @param {File} file @param {() => void} remove */
function clip(file, remove) {
  const time = el("span", { class: "quiet" }), picture = el("div", { class: "thumb" });
  const row = el("li", { class: "clip" }, el("span", { class: "who" }, file.name), time, el("button", { type: "button", class: "plain", "aria-label": words.remove(file.name), onclick: remove }, "✕"), picture);
  const undrawn = () => picture.replaceWith(el("small", {}, words.undrawn));
  if (file.size > DRAWN_BYTES) undrawn();
  else decoded(file).then(({ samples, duration_s }) => { time.textContent = clock(duration_s); picture.append(waveform(samples)); }, undrawn);
  return row;
}

/** @param {(file: File) => void} done @param {(message: string) => void} complain */
function recorder(done, complain) {
  /** @type {{stop: () => Promise<Blob>} | null} */
  let running = null;
  let made = 0;
  const level = el("i", { class: "level", "aria-hidden": "true" }), label = el("span", {}, words.record);
  const toggle = async () => {
    button.disabled = true;
    try {
      if (running) {
        const blob = await running.stop();
        running = null;
        label.textContent = words.record;
        done(new File([blob], words.named(++made), { type: "audio/wav" }));
      } else {
        complain("");
        running = await record((seconds, loud) => { time.textContent = clock(seconds); level.style.setProperty("--level", String(loud)); });
        label.textContent = words.stop;
      }
    } catch (error) {
      complain(/** @type {Error} */ (error).message);
    }
    time.hidden = !running;
    button.classList.toggle("recording", running !== null);
    button.disabled = false;
    button.focus();
  };
  const time = el("span", { class: "time", hidden: true }, clock(0));
  const button = el("button", { type: "button", class: "soft record", onclick: toggle }, level, label, time);
  return button;
}
