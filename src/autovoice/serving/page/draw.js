// Waveforms, spectrograms and pitch as pictures.
import { el, svg } from "./dom.js";
import { HIGH_HZ, LOW_HZ, peaks, spectrogram } from "./sound.js";
import { TEXT } from "./strings.js";

const BARS = 160;

/** Bars that fill their box; coloured by CSS. @param {Float32Array} samples */
export function waveform(samples) {
  const path = peaks(samples, BARS).map((top, i) => `M${i + 0.5} ${50 - 48 * Math.max(0.02, top)}V${50 + 48 * Math.max(0.02, top)}`).join("");
  return svg("svg", { class: "wave", viewBox: `0 0 ${BARS} 100`, preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d: path }));
}

/** Black, violet, orange, cream. @param {number} x 0 to 1 @returns {number[]} */
function heat(x) {
  return [Math.min(255, 400 * x), Math.max(0, 340 * x - 110), Math.min(255, 190 * Math.max(0, Math.sin(Math.PI * Math.min(1, x * 1.25))) + 230 * Math.max(0, x - 0.75)), 255];
}

/** @param {number} hz @returns {number} 0 at the top, 100 at the bottom */
const heightOf = (hz) => 100 - (100 * Math.log(hz / LOW_HZ)) / Math.log(HIGH_HZ / LOW_HZ);

/**
 * @param {string} label
 * @param {Float32Array} samples mono, 16 kHz
 * @param {number[] | null} f0_hz 0 = unvoiced; over the same seconds; null = not asked for
 */
export function spectrum(label, samples, f0_hz) {
  const { columns, rows, shade } = spectrogram(samples), canvas = el("canvas", { width: columns, height: rows });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), image = context.createImageData(columns, rows);
  for (let t = 0; t < columns; t++) {
    for (let row = 0; row < rows; row++) image.data.set(heat(shade[t * rows + row]), 4 * ((rows - 1 - row) * columns + t));
  }
  context.putImageData(image, 0, 0);
  const marks = [100, 200, 500, 1000, 2000, 5000].map((hz) => svg("text", { x: 2, y: `${heightOf(hz)}%`, dy: "0.3em" }, hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`));
  const line = melody(f0_hz ?? []), over = svg("svg", { class: "melody", viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { class: "halo", d: line }), svg("path", { class: "f0", d: line }));
  const picture = el("div", { class: "picture", role: "img", "aria-label": TEXT.result.spectrogramOf(label) }, canvas, over, svg("svg", { class: "axis", "aria-hidden": "true" }, marks));
  const legend = f0_hz && el("span", { class: line ? "legend" : "quiet" }, line ? TEXT.result.pitch : TEXT.result.noPitch);
  return el("figure", { class: "spectrum" }, el("figcaption", {}, label, legend), picture);
}

/** @param {number[]} f0_hz @returns {string} an SVG path, broken where unvoiced */
function melody(f0_hz) {
  let path = "", open = false;
  f0_hz.forEach((hz, i) => {
    if (hz > 0) path += `${open ? "L" : "M"}${((1000 * (i + 0.5)) / f0_hz.length).toFixed(1)} ${heightOf(hz).toFixed(2)}`;
    open = hz > 0;
  });
  return path;
}
