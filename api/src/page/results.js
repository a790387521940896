// The cards of results, and the larger view.

import { freshTicket, idOf, imageUrl } from "./api.js";

const SPACES = [["image", "Look"], ["edge", "Shape"], ["text", "Words"]];

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  const { dataset, aria, ...rest } = properties;
  Object.assign(made, rest);
  Object.assign(made.dataset, dataset ?? {});
  for (const [key, value] of Object.entries(aria ?? {})) made.setAttribute(`aria-${key}`, value);
  made.append(...children);
  return made;
}

export const words = (tag) => tag.replaceAll("_", " ");

function label(hit) {
  const tags = hit.payload.tags_all ?? [];
  return tags.length > 0 ? tags.slice(0, 4).map(words).join(", ") : `picture ${idOf(hit)}`;
}

/** The best score of each space among the results so far, which is the full length of a bar. */
export function bestScores(hits) {
  const best = {};
  for (const [space] of SPACES) best[space] = Math.max(0, ...hits.map((hit) => hit.scores[space] ?? 0));
  return best;
}

function bar(space, score, best) {
  const share = best > 0 ? Math.max(0, Math.min(1, score / best)) : 0;
  const fill = element("i");
  fill.style.setProperty("--share", share.toFixed(3));
  return element("span", { className: `bar ${space}` }, fill);
}

function scoreBars(hit, best) {
  const asked = SPACES.filter(([space]) => hit.scores[space] !== null);
  const said = asked.map(([space, name]) => `${name} ${hit.scores[space].toFixed(2)}`).join(", ");
  const bars = asked.map(([space]) => bar(space, hit.scores[space], best[space]));
  const box = element("div", { className: "scores", title: said }, ...bars);
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `Likeness: ${said || "none"}`);
  return box;
}

function tagButtons(tags, pick) {
  return tags.map((tag) => element("li", {}, element("button", {
    type: "button", textContent: words(tag), title: `Only pictures tagged “${words(tag)}”`, onclick: () => pick(tag),
  })));
}

export function card(hit, best, saved, actions) {
  const picture = element("img", { alt: label(hit), loading: "lazy", decoding: "async", src: imageUrl(hit, 256) });
  const open = element("button", { type: "button", className: "open", onclick: () => actions.open(hit), aria: { label: `Open: ${label(hit)}` } }, picture);
  const broken = () => {
    open.classList.add("broken");
    open.replaceChildren("its file is not there");
  };
  // The ticket may have expired before the picture was scrolled into view.
  picture.onerror = () => {
    picture.onerror = broken;
    freshTicket().then(() => { picture.src = imageUrl(hit, 256); }, broken);
  };
  const tags = [...new Set([...(hit.payload.matched_tags ?? []), ...(hit.payload.tags_all ?? [])])].slice(0, 4);
  const like = element("button", { type: "button", textContent: "More like this", onclick: () => actions.like(hit) });
  const save = element("button", {
    type: "button", className: "save", textContent: saved ? "Saved" : "Save", dataset: { save: idOf(hit) },
    onclick: () => actions.save(hit), aria: { pressed: String(saved) },
  });
  return element("li", { className: "card" }, open, element("div", { className: "below" },
    scoreBars(hit, best),
    element("ul", { className: "tags", aria: { label: "Tags" } }, ...tagButtons(tags, actions.tag)),
    element("div", { className: "row" }, like, save)));
}

export function ghosts(count) {
  return Array.from({ length: count }, () => element("li", { className: "ghost", aria: { hidden: "true" } }));
}

/** A reference of the query: a thumbnail, its role, and a button to remove it. */
export function reference(source, name, remove, toggle) {
  const children = [element("img", { src: source, alt: "" })];
  children.push(toggle
    ? element("button", { type: "button", textContent: name, title: "Change between picture and drawing", onclick: toggle })
    : element("span", { textContent: name }));
  children.push(element("button", { type: "button", textContent: "×", aria: { label: `Remove ${name}` }, onclick: remove }));
  return element("li", { className: "reference" }, ...children);
}

export function chip(tag, count, pressed, toggle) {
  const made = element("button", { type: "button", onclick: toggle, aria: { pressed: String(pressed) } }, words(tag));
  if (count !== null) made.append(element("small", { textContent: count }));
  return made;
}

export function message(title, text, ...below) {
  return element("div", {}, element("h2", { textContent: title }), element("p", { textContent: text }), ...below);
}

export function button(text, onclick) {
  return element("button", { type: "button", className: "plain", textContent: text, onclick });
}

export function keyForm(submit) {
  const input = element("input", { type: "password", autocomplete: "off", placeholder: "Key", aria: { label: "Key" } });
  return element("form", {
    className: "key",
    onsubmit: (event) => { event.preventDefault(); submit(input.value); },
  }, input, element("button", { className: "plain", textContent: "Use it" }),
  element("p", { textContent: "It is kept in this browser, and sent in a header. Addresses of pictures hold a ticket of ten minutes instead." }));
}

/** Fills and shows the larger view. */
export function view(dialog, hit, best, actions) {
  const at = (id) => dialog.querySelector(id);
  freshTicket().catch(() => undefined).then(() => { at("#viewer-image").src = imageUrl(hit, 1024); });
  at("#viewer-image").alt = label(hit);
  const rows = SPACES.filter(([space]) => hit.scores[space] !== null).flatMap(([space, name]) => [
    element("span", { textContent: name }), bar(space, hit.scores[space], best[space]),
    element("span", { textContent: hit.scores[space].toFixed(2) }),
  ]);
  at("#viewer-scores").replaceChildren(...rows);
  const pick = (tag) => { dialog.close(); actions.tag(tag); };
  at("#viewer-tags").replaceChildren(...tagButtons((hit.payload.tags_all ?? []).slice(0, 40), pick));
  const source = hit.payload.source_post_url;
  at("#viewer-source").replaceChildren();
  if (typeof source === "string" && /^https?:\/\//.test(source)) {
    at("#viewer-source").append("From ", element("a", {
      href: source, rel: "noreferrer noopener", target: "_blank", textContent: new URL(source).host,
    }));
  }
  at("#viewer-like").onclick = () => { dialog.close(); actions.like(hit); };
  at("#viewer-save").dataset.save = idOf(hit);
  at("#viewer-save").onclick = () => actions.save(hit);
  actions.showSaved(idOf(hit));
  dialog.showModal();
}
