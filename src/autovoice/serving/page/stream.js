// A live stream: microphone -> WebSocket -> ears, and how long that takes (docs/api.md).
import { Fault, key } from "./api.js";
import { openMicrophone } from "./microphone.js";
import { TEXT } from "./strings.js";
/** @import { Microphone } from "./microphone.js" */

const BLOCK_S = 0.02, BUFFERED_S = 0.04; // what waits before playback begins: two blocks

/** @typedef {{latency_ms?: number, underruns?: number, compute_ms?: number, late?: number, level?: Float32Array}} News */

/**
 * @param {{voice: string, pitch: "auto" | number}} wanted
 * @param {(news: News) => void} onNews
 * @param {(message: string) => void} onEnd message: empty where it ended as asked
 * @returns {Promise<() => Promise<void>>} what ends it; raises Fault
 */
export async function startStream(wanted, onNews, onEnd) {
  /** @type {WebSocket | null} */
  let socket = null;
  let sequence = 0, begun_s = -1, ended = false;
  const microphone = await openMicrophone(BLOCK_S, (samples, time_s) => {
    if (socket?.readyState !== WebSocket.OPEN || ended) return;
    if (begun_s < 0) begun_s = time_s;
    socket.send(framed(sequence++, samples));
    onNews({ level: samples });
  });
  const end = async (/** @type {string} */ message) => {
    if (ended) return;
    ended = true;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "end" }));
    await microphone.close();
    onEnd(message);
  };
  try {
    const rate = microphone.context.sampleRate;
    const { opened, ready } = await connect({ ...wanted, rate, preset: "fast", format: "f32le", key: key.get() || undefined });
    if (ready.rate !== rate) throw new Fault(TEXT.live.rate, 0);
    const ears = playback(microphone, ready.lag_ms ?? ready.delay_ms, () => begun_s, onNews);
    opened.onmessage = ({ data }) => (typeof data === "string" ? told(JSON.parse(data), ears.late, onNews, end) : ears.take(new Float32Array(data.slice(4))));
    opened.onclose = () => end(TEXT.live.gone);
    socket = opened;
  } catch (error) {
    ended = true;
    await microphone.close();
    throw error;
  }
  return () => end("");
}

/**
 * The way out, which tells how late it is: when a sample was heard, less when the one at the same place of the stream was said.
 * @param {Microphone} microphone
 * @param {number} lag_ms how much later in the server's answer something is than in the question
 * @param {() => number} begun_s when the first sample was said
 * @param {(news: News) => void} onNews
 */
function playback({ context, latency_s }, lag_ms, begun_s, onNews) {
  const node = new AudioWorkletNode(context, "playback", { outputChannelCount: [1], processorOptions: { target: Math.round(BUFFERED_S * context.sampleRate) } });
  let left_out_s = 0;
  node.connect(context.destination);
  node.port.onmessage = ({ data }) => {
    const behind_s = data.time_s - begun_s() - data.position / context.sampleRate - left_out_s;
    onNews({ latency_ms: lag_ms + 1000 * (behind_s + context.baseLatency + (context.outputLatency || 0) + latency_s), underruns: data.underruns });
  };
  return {
    take: (/** @type {Float32Array} */ samples) => node.port.postMessage(samples, [samples.buffer]),
    late: (/** @type {number} */ blocks) => { left_out_s = blocks * BLOCK_S; },
  };
}

/** @param {object} hello @returns {Promise<{opened: WebSocket, ready: {rate: number, delay_ms: number, lag_ms?: number}}>} */
function connect(hello) {
  return new Promise((resolve, reject) => {
    const opened = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/stream`);
    opened.binaryType = "arraybuffer";
    opened.onopen = () => opened.send(JSON.stringify(hello));
    opened.onclose = () => reject(new Fault(TEXT.fault.unreachable, 0));
    opened.onmessage = ({ data }) => {
      const answer = JSON.parse(data);
      answer.type === "ready" ? resolve({ opened, ready: answer }) : reject(new Fault(answer.message, 0));
    };
  });
}

/** @param {any} message @param {(blocks: number) => void} late @param {(news: News) => void} onNews @param {(message: string) => void} end */
function told(message, late, onNews, end) {
  if (message.type === "stats") {
    late(message.late);
    onNews({ compute_ms: message.compute_ms_p95, late: message.late });
  }
  if (message.type === "error") end(message.message);
}

/** @param {number} sequence @param {Float32Array} samples @returns {ArrayBuffer} sequence number and PCM, little-endian */
function framed(sequence, samples) {
  const out = new ArrayBuffer(4 + 4 * samples.length), view = new DataView(out);
  view.setUint32(0, sequence, true);
  samples.forEach((x, i) => view.setFloat32(4 + 4 * i, x, true));
  return out;
}
