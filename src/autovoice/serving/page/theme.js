// Light, dark, or as the system has it.
import { el } from "./dom.js";
import { TEXT } from "./strings.js";

const KEY = "autovoice-theme";

/** @typedef {"auto" | "light" | "dark"} Theme */

export function themeSwitch() {
  const select = el("select", { "aria-label": TEXT.theme.label }, (/** @type {Theme[]} */ (["auto", "light", "dark"])).map((name) => el("option", { value: name }, TEXT.theme[name])));
  const use = () => {
    select.value === "auto" ? delete document.documentElement.dataset.theme : (document.documentElement.dataset.theme = select.value);
    localStorage.setItem(KEY, select.value);
  };
  select.value = localStorage.getItem(KEY) ?? "auto";
  select.addEventListener("change", use);
  use();
  return select;
}
