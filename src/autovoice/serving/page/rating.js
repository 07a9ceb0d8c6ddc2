// What a listener thinks of a result, if they like to say it.
import { blobOf, post } from "./api.js";
import { announce, el, faultLine, field, save } from "./dom.js";
import { TEXT } from "./strings.js";
/** @import { Job } from "./types.js" */

const words = TEXT.rating;

/** @param {Job} job that is done */
export function ratingForm(job) {
  const fault = faultLine(), comment = el("input", { type: "text", maxlength: "500", autocomplete: "off" });
  const stars = [1, 2, 3, 4, 5].map((n) => el("label", { class: "star" }, el("input", { type: "radio", name: `stars-${job.id}`, value: String(n), "aria-label": words.stars(n) }), el("span", { "aria-hidden": "true" }, "★")));
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const given = Number(new FormData(form).get(`stars-${job.id}`));
    if (!given) return fault.say(words.missing);
    fault.say("");
    try {
      await post("/v1/ratings", { job: job.id, stars: given, comment: comment.value.trim() });
      form.replaceWith(el("p", { class: "good" }, words.thanks));
      announce(words.thanks);
    } catch (error) {
      fault.say(/** @type {Error} */ (error).message);
    }
  };
  const csv = el("button", { type: "button", class: "plain", onclick: () => blobOf("/v1/ratings.csv").then((blob) => save(blob, "ratings.csv"), (error) => fault.say(error.message)) }, words.csv);
  const form = el("form", { class: "rating", onsubmit: send }, el("fieldset", { class: "stars" }, el("legend", {}, words.scale), stars), field(words.comment, comment), el("button", { type: "submit", class: "soft" }, words.send));
  return el("details", { class: "more rate" }, el("summary", {}, words.title), el("small", {}, words.why), form, fault, csv);
}
