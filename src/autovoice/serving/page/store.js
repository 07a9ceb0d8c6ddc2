// What every tab knows: the server's abilities and its voices.
import { json, ask } from "./api.js";
/** @import { Models, Voice } from "./types.js" */

/** @type {{models: Models, voices: Voice[]}} */
export const store = { models: /** @type {any} */ (null), voices: [] };

const changes = new EventTarget();

export async function loadModels() {
  store.models = await json("/v1/models");
}

export async function loadVoices() {
  store.voices = (await json("/v1/voices")).voices;
  changes.dispatchEvent(new Event("voices"));
}

/** @param {string} id */
export async function deleteVoice(id) {
  await ask(`/v1/voices/${id}`, { method: "DELETE" });
  await loadVoices();
}

/** Calls it now and whenever the voices change. @param {() => void} listener */
export function onVoices(listener) {
  changes.addEventListener("voices", listener);
  listener();
}

/** @param {string | null} id */
export function voiceName(id) {
  return store.voices.find((voice) => voice.id === id)?.name ?? id ?? "";
}
