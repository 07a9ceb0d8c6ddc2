// The page: asks what the server can do, then shows a tab for each of it.
import { Fault, key } from "./api.js";
import { el, faultLine, field, pause, svg } from "./dom.js";
import { loadModels, loadVoices, store } from "./store.js";
import { TEXT } from "./strings.js";
import { batchTab } from "./tab_batch.js";
import { songTab, speechTab } from "./tab_convert.js";
import { historyTab } from "./tab_history.js";
import { liveTab } from "./tab_live.js";
import { textTab } from "./tab_text.js";
import { voicesTab } from "./tab_voices.js";
import { tabbed } from "./tabs.js";
import { themeSwitch } from "./theme.js";

const LOADING = 503, UNKNOWN = 401, LOOK_S = 0.5;
const unable = (/** @type {string} */ why) => el("div", { class: "card hollow" }, el("p", { class: "quiet" }, why));
const MAKERS = {
  speech: speechTab,
  song: () => (store.models.songs ? songTab() : unable(TEXT.fault.unavailable.song)),
  text: () => (store.models.speech ? textTab() : unable(TEXT.fault.unavailable.text)),
  live: liveTab, batch: batchTab, voices: voicesTab, history: historyTab,
};

const mark = svg("svg", { viewBox: "0 0 26 32", class: "mark", "aria-hidden": "true" }, svg("path", { d: "M4 13v6M10 8v16M16 11v10M22 14v4" }));
const header = el("header", {}, el("div", { class: "brand" }, mark, el("h1", {}, TEXT.app)), themeSwitch());
const place = el("main", {}, el("p", { class: "quiet", role: "status" }, TEXT.fault.loading));
document.body.append(header, place);

async function start() {
  try {
    await loadModels();
    await loadVoices();
  } catch (error) {
    const fault = /** @type {Fault} */ (error);
    if (fault.status === UNKNOWN) return; // the form for the key is there
    if (fault.status !== LOADING) place.replaceChildren(el("p", { class: "fault", role: "alert" }, fault.message), el("button", { type: "button", class: "soft", onclick: start }, TEXT.act.retry));
    if (fault.status === LOADING) await pause(LOOK_S).then(start);
    return;
  }
  const tabs = Object.entries(MAKERS).map(([name, make]) => ({ name, label: TEXT.tabs[/** @type {keyof typeof MAKERS} */ (name)], lead: TEXT.lead[/** @type {keyof typeof MAKERS} */ (name)], make }));
  const { bar, panels } = tabbed(tabs, TEXT.app);
  header.querySelector("[role=tablist]")?.remove();
  header.insertBefore(bar, header.lastElementChild);
  document.querySelector("main")?.replaceWith(panels);
}

function askForKey() {
  if (document.querySelector("dialog.key")) return;
  const input = el("input", { type: "password", autocomplete: "off", value: key.get() }), fault = faultLine();
  fault.say(key.get() ? TEXT.key.wrong : "");
  const use = (/** @type {Event} */ event) => {
    event.preventDefault();
    key.set(input.value.trim());
    dialog.close();
    if (!store.models) start();
  };
  const form = el("form", { onsubmit: use }, el("h1", { id: "key-title" }, TEXT.key.title), field(TEXT.key.label, input, TEXT.key.note), fault, el("div", { class: "row end" }, el("button", { type: "submit", class: "main" }, TEXT.key.save)));
  const dialog = el("dialog", { class: "key", "aria-labelledby": "key-title", onclose: () => dialog.remove() }, form);
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("key-wanted", askForKey);
start();
