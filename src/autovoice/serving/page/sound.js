// Sound in the page: decoded, measured for drawing, written as WAV.

const RATE = 16000, SIZE = 1024, COLUMNS = 900, ROWS = 128, RANGE_DB = 70;
export const LOW_HZ = 60, HIGH_HZ = 8000;

/** @param {Blob} blob @returns {Promise<{samples: Float32Array, duration_s: number}>} mono, 16 kHz; raises where the browser cannot read it */
export async function decoded(blob) {
  const buffer = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
  return { samples: buffer.getChannelData(0), duration_s: buffer.duration };
}

/** @param {Float32Array} samples @param {number} bars @returns {number[]} the loudest of each stretch, 0 to 1 */
export function peaks(samples, bars) {
  const size = samples.length / bars, tops = Array.from({ length: bars }, (_, i) => {
    let top = 0;
    for (let k = Math.floor(i * size); k < (i + 1) * size; k++) top = Math.max(top, Math.abs(samples[k] || 0));
    return top;
  });
  const loudest = Math.max(...tops, 1e-4);
  return tops.map((top) => top / loudest);
}

/** In place, radix 2 (Cooley and Tukey 1965). @param {Float32Array} re @param {Float32Array} im */
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

/**
 * Levels on a logarithmic axis of frequency, LOW_HZ to HIGH_HZ.
 * @param {Float32Array} samples mono, 16 kHz
 * @returns {{columns: number, rows: number, shade: Float32Array}} shade (columns x rows): 0 is 70 dB below the loudest, 1 the loudest
 */
export function spectrogram(samples) {
  const columns = Math.max(1, Math.min(COLUMNS, Math.floor(samples.length / 160))), hop = samples.length / columns;
  const hann = Float32Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));
  const bins = Array.from({ length: ROWS }, (_, row) => (LOW_HZ * (HIGH_HZ / LOW_HZ) ** (row / (ROWS - 1)) * SIZE) / RATE);
  const shade = new Float32Array(columns * ROWS);
  let top = -Infinity;
  for (let t = 0; t < columns; t++) {
    const re = new Float32Array(SIZE), im = new Float32Array(SIZE), start = Math.floor((t + 0.5) * hop) - SIZE / 2;
    for (let i = 0; i < SIZE; i++) re[i] = (samples[start + i] || 0) * hann[i];
    fft(re, im);
    const level = (/** @type {number} */ f) => 10 * Math.log10(re[f] ** 2 + im[f] ** 2 + 1e-12);
    bins.forEach((bin, row) => {
      const f = Math.min(SIZE / 2 - 1, Math.floor(bin)), part = bin - f, db = level(f) * (1 - part) + level(f + 1) * part;
      shade[t * ROWS + row] = db;
      if (db > top) top = db;
    });
  }
  return { columns, rows: ROWS, shade: shade.map((db) => Math.max(0, Math.min(1, (db - top + RANGE_DB) / RANGE_DB))) };
}

/** @param {Float32Array[]} parts mono @param {number} rate @returns {Blob} WAV, 16 bit */
export function wavOf(parts, rate) {
  const length = parts.reduce((sum, part) => sum + part.length, 0), view = new DataView(new ArrayBuffer(44 + 2 * length));
  const text = (/** @type {number} */ at, /** @type {string} */ value) => [...value].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF"); text(8, "WAVEfmt "); text(36, "data");
  view.setUint32(4, 36 + 2 * length, true); view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true); view.setUint32(40, 2 * length, true);
  let at = 44;
  for (const part of parts) for (const x of part) { view.setInt16(at, Math.round(32767 * Math.max(-1, Math.min(1, x))), true); at += 2; }
  return new Blob([view], { type: "audio/wav" });
}
