// Players, spectrograms drawn from the very sound that is played, and melodies.
"use strict";

const RATE = 16000, SIZE = 512, HOP = 160, RANGE_DB = 70;

function blobOf(clip) {
  if (!clip.url) clip.url = URL.createObjectURL(new Blob([bytesOf(clip.mp3)], { type: "audio/mpeg" }));
  return clip.url;
}

async function samplesOf(clip) {
  if (!clip.samples) {
    const context = new OfflineAudioContext(1, 1, RATE);
    clip.samples = (await context.decodeAudioData(bytesOf(clip.mp3).buffer)).getChannelData(0);
  }
  return clip.samples;
}

// In place, radix 2 (Cooley and Tukey 1965).
function fft(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]];
  }
  for (let size = 2; size <= n; size <<= 1) {
    const step = (-2 * Math.PI) / size;
    for (let k = 0; k < size / 2; k++) {
      const c = Math.cos(step * k), s = Math.sin(step * k);
      for (let a = k; a < n; a += size) {
        const b = a + size / 2, x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x; im[b] = im[a] - y; re[a] += x; im[a] += y;
      }
    }
  }
}

function levels(samples) {
  const columns = Math.max(1, Math.floor(samples.length / HOP)), bins = SIZE / 2, out = new Float32Array(columns * bins);
  const hann = Float32Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));
  let top = -Infinity;
  for (let t = 0; t < columns; t++) {
    const re = new Float32Array(SIZE), im = new Float32Array(SIZE), start = t * HOP - SIZE / 2;
    for (let i = 0; i < SIZE; i++) re[i] = (samples[start + i] || 0) * hann[i];
    fft(re, im);
    for (let f = 0; f < bins; f++) {
      const level = 10 * Math.log10(re[f] * re[f] + im[f] * im[f] + 1e-12);
      out[t * bins + f] = level;
      if (level > top) top = level;
    }
  }
  return { columns, bins, out, top };
}

function heat(x) {
  return [Math.min(255, 400 * x), Math.max(0, 340 * x - 110) * (x > 0.32), Math.min(255, 190 * Math.sin(Math.PI * Math.min(1, x * 1.25)) + 230 * Math.max(0, x - 0.75))];
}

async function drawSpectrogram(canvas, clip) {
  const { columns, bins, out, top } = levels(await samplesOf(clip));
  canvas.width = columns;
  canvas.height = bins;
  const context = canvas.getContext("2d"), image = context.createImageData(columns, bins);
  for (let t = 0; t < columns; t++) {
    for (let f = 0; f < bins; f++) {
      const shade = Math.max(0, Math.min(1, (out[t * bins + f] - top + RANGE_DB) / RANGE_DB));
      image.data.set([...heat(shade), 255], 4 * ((bins - 1 - f) * columns + t));
    }
  }
  context.putImageData(image, 0, 0);
  canvas.dataset.drawn = "yes";
}

// f0 of several clips over the same seconds, on a logarithmic axis; tracks: {label, clip, shift (semitones)}.
function melody(tracks) {
  const shifted = tracks.map((t) => t.clip.f0.map((hz) => (hz > 0 ? hz * 2 ** ((t.shift || 0) / 12) : 0)));
  const voiced = shifted.flat().filter((hz) => hz > 0);
  if (!voiced.length) return el("p", { class: "quiet" }, "Nothing is voiced.");
  const low = Math.log2(voiced.reduce((a, b) => Math.min(a, b))) - 0.1, high = Math.log2(voiced.reduce((a, b) => Math.max(a, b))) + 0.1;
  const width = Math.max(300, document.getElementById("pairs").clientWidth - 28), height = 150, seconds = Math.max(...tracks.map((t) => t.clip.seconds));
  const x = (i) => 40 + ((width - 50) * i) / 100 / seconds, y = (hz) => 8 + (height - 26) * (1 - (Math.log2(hz) - low) / (high - low));
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "f0 over time" });
  for (const hz of [50, 70, 100, 140, 200, 280, 400, 560, 800].filter((v) => Math.log2(v) > low && Math.log2(v) < high)) {
    drawing.append(svg("path", { d: `M40 ${y(hz)}H${width - 10}`, class: "grid" }), svg("text", { x: 0, y: y(hz) + 4 }, `${hz}`));
  }
  for (let s = 0; s <= seconds; s++) drawing.append(svg("text", { x: x(100 * s), y: height - 2 }, `${s} s`));
  shifted.forEach((track, k) => {
    let path = "", open = false;
    track.forEach((hz, i) => {
      if (hz > 0) path += `${open ? "L" : "M"}${x(i).toFixed(1)} ${y(hz).toFixed(1)}`;
      open = hz > 0;
    });
    drawing.append(svg("path", { d: path || "M0 0", class: `k${k}`, "vector-effect": "non-scaling-stroke" }));
  });
  const legend = el("div", { class: "legend" }, el("span", { class: "quiet" }, "f0, Hz"), tracks.map((t, k) => el("span", { class: `k${k}` }, "— " + t.label)));
  return el("div", { class: "melody" }, legend, drawing);
}

// A player with its spectrogram; a click there plays from that moment.
function player(label, clip, key) {
  const caption = el("figcaption", {}, el("kbd", {}, key), label, el("span", {}, clip.fault ? "" : `${clip.seconds.toFixed(1)} s, 0 to 8 kHz`));
  if (clip.fault) return el("figure", { class: "clip" }, caption, el("p", { class: "bad" }, clip.fault));
  const audio = el("audio", { controls: "", preload: "metadata", src: blobOf(clip), "aria-label": label });
  const canvas = el("canvas", { role: "img", "aria-label": `spectrogram of ${label}, 0 to 8 kHz` }), line = el("i", { hidden: "" });
  const pane = el("div", { class: "pane", onclick: (event) => {
    audio.currentTime = (event.offsetX / pane.clientWidth) * clip.seconds;
    audio.play();
  } }, canvas, line);
  const follow = () => {
    line.hidden = false;
    line.style.left = `${Math.min(100, (100 * audio.currentTime) / clip.seconds)}%`;
    if (!audio.paused) requestAnimationFrame(follow);
  };
  for (const name of ["play", "seeked", "ended"]) audio.addEventListener(name, follow);
  audio.addEventListener("play", () => document.querySelectorAll("audio").forEach((other) => other !== audio && other.pause()));
  drawSpectrogram(canvas, clip).catch((error) => pane.replaceChildren(el("p", { class: "bad" }, `cannot be drawn: ${error.message}`)));
  return el("figure", { class: "clip" }, caption, audio, pane);
}
