// The microphone as blocks of samples; one way for recording and for live.
import { Fault } from "./api.js";
import { wavOf } from "./sound.js";
import { TEXT } from "./strings.js";

/**
 * @typedef {object} Microphone
 * @property {AudioContext} context
 * @property {number} latency_s what the device needs, as far as the browser knows
 * @property {() => Promise<void>} close
 */

/**
 * @param {number} block_s
 * @param {(samples: Float32Array, time_s: number) => void} onBlock time_s: of the first sample, on the context's clock
 * @returns {Promise<Microphone>} raises Fault where there is none or it is not allowed
 */
export async function openMicrophone(block_s, onBlock) {
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  const stream = await navigator.mediaDevices?.getUserMedia({ audio: raw }).catch(() => null);
  if (!stream) throw new Fault(TEXT.source.noMicrophone, 0);
  const context = new AudioContext({ latencyHint: "interactive" });
  await context.audioWorklet.addModule("/page/worklets.js");
  const size = Math.round(block_s * context.sampleRate);
  const capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, processorOptions: { size } });
  capture.port.onmessage = ({ data }) => onBlock(data.samples, data.time_s);
  context.createMediaStreamSource(stream).connect(capture);
  const settings = /** @type {MediaTrackSettings & {latency?: number}} */ (stream.getAudioTracks()[0].getSettings());
  const close = async () => {
    stream.getTracks().forEach((track) => track.stop());
    if (context.state !== "closed") await context.close();
  };
  return { context, latency_s: settings.latency ?? 0, close };
}

/** @param {(seconds: number, level: number) => void} onTime @returns {Promise<{stop: () => Promise<Blob>}>} stop gives the WAV */
export async function record(onTime) {
  /** @type {Float32Array[]} */
  const parts = [];
  const microphone = await openMicrophone(0.05, (samples) => {
    parts.push(samples);
    onTime(parts.length * 0.05, levelOf(samples));
  });
  const stop = async () => {
    await microphone.close();
    return wavOf(parts, microphone.context.sampleRate);
  };
  return { stop };
}

/** @param {Float32Array} samples @returns {number} 0 (-60 dB or less) to 1 (full scale) */
export function levelOf(samples) {
  const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
  return Math.max(0, Math.min(1, 1 + Math.log10(power + 1e-12) / 6));
}
