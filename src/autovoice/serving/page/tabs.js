// Tabs after the ARIA Authoring Practices: one stop for Tab, arrows move; the address remembers.
import { el } from "./dom.js";
import { silence } from "./players.js";

/** @typedef {HTMLElement & {onshow?: () => void}} Panel */
/** @typedef {{name: string, label: string, lead: string, make: () => Panel}} Tab made when it is first shown */

/** @param {Tab[]} tabs @param {string} label @returns {{bar: HTMLElement, panels: HTMLElement}} */
export function tabbed(tabs, label) {
  /** @type {Map<string, Panel>} */
  const made = new Map();
  const buttons = tabs.map(({ name, label: text }) => el("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => show(name) }, text));
  const rooms = tabs.map(({ name, lead }) => el("section", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, hidden: true }, el("p", { class: "lead" }, lead)));
  const show = (/** @type {string} */ name) => {
    const at = Math.max(0, tabs.findIndex((tab) => tab.name === name)), tab = tabs[at];
    silence();
    buttons.forEach((button, i) => { button.setAttribute("aria-selected", String(i === at)); button.tabIndex = i === at ? 0 : -1; });
    rooms.forEach((room, i) => { room.hidden = i !== at; });
    if (!made.has(tab.name)) {
      made.set(tab.name, tab.make());
      rooms[at].append(/** @type {Panel} */ (made.get(tab.name)));
    }
    made.get(tab.name)?.onshow?.();
    buttons[at].scrollIntoView({ block: "nearest", inline: "nearest" });
    history.replaceState(null, "", `#${tab.name}`);
  };
  const step = (/** @type {KeyboardEvent} */ event) => {
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement)), n = buttons.length;
    const next = { ArrowRight: (at + 1) % n, ArrowLeft: (at + n - 1) % n, Home: 0, End: n - 1 }[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    buttons[next].focus();
    buttons[next].click();
  };
  window.addEventListener("hashchange", () => show(location.hash.slice(1)));
  const bar = el("div", { role: "tablist", "aria-label": label, onkeydown: step }, buttons);
  show(location.hash.slice(1));
  return { bar, panels: el("main", {}, rooms) };
}
