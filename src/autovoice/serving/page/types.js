// What the server answers (docs/api.md), for the type checker alone.

/** @typedef {{name: string, about: string}} Preset */
/** @typedef {{upload_bytes: number, upload_s: number, sync_s: number, voices: number, text_chars: number}} Limits */
/**
 * @typedef {object} Models
 * @property {string} version
 * @property {number} output_rate Hz
 * @property {Preset[]} presets
 * @property {string} default_preset
 * @property {boolean} speech whether text can be spoken
 * @property {boolean} songs
 * @property {boolean} evaluate
 * @property {string[]} languages
 * @property {{delay_ms: number}} stream
 * @property {Limits} limits
 */
/**
 * @typedef {object} Voice
 * @property {string} id
 * @property {string} name
 * @property {number} speech_s
 * @property {string} verdict
 * @property {string[]} reasons
 * @property {number | null} snr_db
 * @property {number | null} f0_median_hz
 * @property {string} consent
 * @property {boolean} adapted
 * @property {string} created UTC, ISO 8601
 * @property {boolean} builtin
 */
/**
 * @typedef {object} Job
 * @property {string} id
 * @property {"convert" | "song" | "speech" | "evaluate"} kind
 * @property {"queued" | "running" | "done" | "failed" | "cancelled"} status
 * @property {number} progress 0 to 1
 * @property {string} created
 * @property {string | null} voice
 * @property {string | null} preset
 * @property {string} name
 * @property {number | null} duration_s
 * @property {number | null} rtf
 * @property {number | null} shift_st
 * @property {string[]} warnings
 * @property {{code: string, message: string} | null} error
 * @property {string | null} result
 */
/** @typedef {{hop_s: number, source: number[], result: number[], shift_st: number}} Pitch Hz, 0 = unvoiced */

export {};
