// Small things that every part of the page uses. Text always goes in as text, never as markup.

/** @typedef {Node | string | null | undefined} Child */
/** @typedef {Record<string, any>} Attributes */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes] those named on... are listeners; true is an empty attribute; false and null are left out
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes, ...children) {
  return filled(/** @type {SVGElement} */ (document.createElementNS("http://www.w3.org/2000/svg", tag)), attributes, children);
}

/** @template {Element} T @param {T} node @param {Attributes | undefined} attributes @param {(Child | Child[])[]} children @returns {T} */
function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(.../** @type {(Node | string)[]} */ (children.flat(2).filter((child) => child !== null && child !== undefined)));
  return node;
}

let named = 0;

/** A labelled control: label, control, hint. @param {string} label @param {HTMLElement} control @param {string} [hint] */
export function field(label, control, hint) {
  control.id ||= `field-${++named}`;
  const note = hint ? el("small", { id: `${control.id}-hint` }, hint) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return el("div", { class: "field" }, el("label", { for: control.id }, label), control, note);
}

/** A place for one sentence about what went wrong, which screen readers hear. */
export function faultLine() {
  const line = el("p", { class: "fault", role: "alert", hidden: true });
  return Object.assign(line, {
    /** @param {string} message empty hides it */
    say(message) {
      line.textContent = message;
      line.hidden = !message;
    },
  });
}

const herald = el("div", { class: "unseen", role: "status", "aria-live": "polite" });
document.body.append(herald);

/** Says something to screen readers alone. @param {string} message */
export function announce(message) {
  herald.textContent = message;
}

/** @param {number | null | undefined} value three digits */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  return (Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)))).replace("-", "−");
}

/** @param {number} value */
export function signed(value) {
  return value > 0 ? `+${number(value)}` : number(value);
}

/** @param {number} seconds as 0:07 or 1:02:03 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds)), pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** @param {string} iso */
export function moment(iso) {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** Lets the browser save a file. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // after the browser has begun
}

/** Resolves after so many seconds. @param {number} seconds @returns {Promise<void>} */
export function pause(seconds) {
  return new Promise((done) => setTimeout(done, 1000 * seconds));
}
