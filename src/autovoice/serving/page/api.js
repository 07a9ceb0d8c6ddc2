// The server's answers: one door for requests, keys, faults and the events of jobs.
import { pause } from "./dom.js";
import { TEXT } from "./strings.js";
/** @import { Job } from "./types.js" */

const KEY = "autovoice-key", TRIES = 3;

/** What the server refused, in its own sentence. */
export class Fault extends Error {
  /** @param {string} message @param {number} status 0 = no answer @param {number} [retry_s] */
  constructor(message, status, retry_s = 0) {
    super(message);
    this.status = status;
    this.retry_s = retry_s;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY) || "",
  set: (/** @type {string} */ value) => sessionStorage.setItem(KEY, value),
};

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} an answer that is not a fault; raises Fault; a 401 also asks the person for a key
 */
export async function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  if (key.get()) headers.set("Authorization", `Bearer ${key.get()}`);
  const answer = await fetch(path, { ...options, headers, credentials: "omit" }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Fault(TEXT.fault.unreachable, 0);
  });
  if (answer.ok) return answer;
  if (answer.status === 401) document.dispatchEvent(new Event("key-wanted"));
  const body = await answer.json().catch(() => null);
  throw new Fault(body?.error?.message ?? TEXT.fault.unexpected(answer.status), answer.status, Number(answer.headers.get("Retry-After")));
}

/** @param {string} path @param {RequestInit} [options] @returns {Promise<any>} */
export async function json(path, options) {
  return (await ask(path, options)).json();
}

/** @param {string} path @param {unknown} value @returns {Promise<Response>} */
export function post(path, value) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });
}

/** @param {string} path @param {Record<string, string | Blob | Blob[] | null>} fields @returns {Promise<Response>} */
export function upload(path, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const part of [value].flat()) if (part !== null) form.append(name, part);
  }
  return ask(path, { method: "POST", body: form });
}

/** @param {string} path @returns {Promise<Blob>} */
export async function blobOf(path) {
  return (await ask(path)).blob();
}

/** The job of an answer: a 202's body, or the one that an immediate result names. @param {Response} answer @returns {Promise<Job>} */
export async function jobOf(answer) {
  const made = answer.headers.get("X-Autovoice-Job");
  return made ? json(`/v1/jobs/${made}`) : answer.json();
}

/**
 * Follows a job to its end; a connection that breaks is taken up again.
 * @param {Job} job
 * @param {(job: {status: Job["status"], progress: number}) => void} onProgress
 * @param {AbortSignal} [signal]
 * @returns {Promise<Job>} as it ended
 */
export async function finished(job, onProgress, signal) {
  for (let tries = 0; ; tries++) {
    try {
      for await (const { name, data } of events(`/v1/jobs/${job.id}/events`, signal)) {
        tries = 0;
        if (name !== "progress") return data;
        onProgress(data);
      }
      const now = await json(`/v1/jobs/${job.id}`, { signal });
      if (!["queued", "running"].includes(now.status)) return now;
    } catch (error) {
      if (!(error instanceof Fault || error instanceof TypeError) || tries >= TRIES) throw error instanceof TypeError ? new Fault(TEXT.fault.unreachable, 0) : error;
    }
    await pause(1);
  }
}

/** Server-sent events, read by fetch because EventSource sends no key. @param {string} path @param {AbortSignal} [signal] @returns {AsyncGenerator<{name: string, data: any}>} */
async function* events(path, signal) {
  const answer = await ask(path, { signal, headers: { Accept: "text/event-stream" } });
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader(), decoder = new TextDecoder();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (held + decoder.decode(value, { stream: true }).replaceAll("\r", "")).split("\n\n");
    held = parts.pop() ?? "";
    for (const part of parts) {
      const lines = part.split("\n"), of = (/** @type {string} */ field) => lines.filter((l) => l.startsWith(`${field}:`)).map((l) => l.slice(field.length + 1).trim()).join("\n");
      if (of("data")) yield { name: of("event"), data: JSON.parse(of("data")) };
    }
  }
}
