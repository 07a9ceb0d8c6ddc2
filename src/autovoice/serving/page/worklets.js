// On the audio thread: a microphone's blocks go out, a stream's blocks come in.

const REPORT_S = 0.1;

/** Posts blocks of `size` samples (mono) with the time at which the first of them was heard. */
class Capture extends AudioWorkletProcessor {
  constructor(/** @type {any} */ options) {
    super();
    this.size = options.processorOptions.size;
    this.block = new Float32Array(this.size);
    this.filled = 0;
    this.time_s = 0;
  }

  process(/** @type {Float32Array[][]} */ [channels]) {
    const heard = channels[0];
    if (!heard) return true;
    for (let i = 0; i < heard.length; i++) {
      if (!this.filled) this.time_s = currentTime + i / sampleRate;
      this.block[this.filled++] = channels.length > 1 ? (heard[i] + channels[1][i]) / 2 : heard[i];
      if (this.filled < this.size) continue;
      this.port.postMessage({ samples: this.block, time_s: this.time_s }, [this.block.buffer]);
      this.block = new Float32Array(this.size); // the other is gone with the message
      this.filled = 0;
    }
    return true;
  }
}

/** A ring buffer: begins when `target` samples wait, counts when it runs dry, and skips what waits longer than needed. */
class Playback extends AudioWorkletProcessor {
  constructor(/** @type {any} */ options) {
    super();
    this.target = options.processorOptions.target;
    this.ring = new Float32Array(sampleRate * 2);
    this.read = this.written = this.underruns = this.reported_s = 0;
    this.playing = false;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(/** @type {Float32Array} */ samples) {
    for (const x of samples) this.ring[this.written++ % this.ring.length] = x;
    if (this.written - this.read > 2 * this.target + samples.length) this.read = this.written - this.target - samples.length;
  }

  process(/** @type {any} */ _, /** @type {Float32Array[][]} */ [[out]]) {
    const waiting = this.written - this.read;
    if (!this.playing && waiting >= this.target) this.playing = true;
    else if (this.playing && waiting < out.length) {
      this.playing = false;
      this.underruns++;
    }
    if (!this.playing) return true;
    if (currentTime - this.reported_s > REPORT_S) {
      this.reported_s = currentTime;
      this.port.postMessage({ position: this.read, time_s: currentTime, underruns: this.underruns });
    }
    for (let i = 0; i < out.length; i++) out[i] = this.ring[this.read++ % this.ring.length];
    return true;
  }
}

registerProcessor("capture", Capture);
registerProcessor("playback", Playback);
