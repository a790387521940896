// The page: reads the form, searches when it changes, and shows the results.

import { facets, feedback, idOf, imageUrl, preparing, search, setKey, userId } from "./api.js";
import { Pad } from "./pad.js";
import { bestScores, button, card, chip, ghosts, keyForm, message, reference, view } from "./results.js";

const PAGE = 24;
const at = (id) => document.getElementById(id);
const WEIGHTS = [["w-img", "w_img"], ["w-edge", "w_edge"], ["w-txt", "w_txt"]];

const state = {
  file: null, // { blob, url, role: "image" | "sketch" }
  likes: [],
  tags: new Set(),
  styles: [],
  saved: new Set(),
  hits: [],
  fields: null,
  cursor: null,
  running: null,
};

const pad = new Pad(at("pad"), () => { showPad(); changed(); });

function showPad() {
  const untouched = pad.strokes.length === 0;
  at("undo").disabled = untouched;
  at("clear").disabled = untouched;
  at("pad-hint").hidden = !untouched;
}

// ---- the query ----

function somethingToLookFor() {
  return !pad.empty || state.file !== null || state.likes.length > 0 || at("words").value.trim() !== "";
}

async function gather() {
  const fields = [["top", PAGE], ["user_id", userId()], ["personalize", at("personalize").checked]];
  // A file that stands for a drawing takes the pad's place.
  if (!pad.empty && state.file?.role !== "sketch") fields.push(["sketch", await pad.blob(), "sketch.png"]);
  if (state.file) fields.push([state.file.role, state.file.blob, "picture"]);
  for (const id of state.likes) fields.push(["like", id]);
  const text = at("words").value.trim();
  if (text) fields.push(["query_text", text]);
  for (const [id, name] of WEIGHTS) fields.push([name, at(id).value]);
  for (const tag of state.tags) fields.push(["tag_filters", tag]);
  return fields;
}

let timer = null;
function changed(wait = 300) {
  clearTimeout(timer);
  showWeights();
  timer = setTimeout(run, wait);
}

async function run() {
  state.running?.abort();
  state.cursor = null;
  at("more").hidden = true;
  if (!somethingToLookFor()) {
    state.running = null;
    state.hits = [];
    at("results").replaceChildren();
    at("results").classList.remove("stale");
    at("status").textContent = "";
    showMessage(message("What are you drawing?", "A few lines are enough. Words and pictures help, alone or together."));
    return;
  }
  const running = new AbortController();
  state.running = running;
  at("results").setAttribute("aria-busy", "true");
  if (state.hits.length > 0) at("results").classList.add("stale");
  else at("results").replaceChildren(...ghosts(8));
  showMessage();
  try {
    const fields = await gather();
    const answer = await search(fields, null, running.signal, showBusy);
    if (state.running !== running) return;
    state.fields = fields;
    state.hits = [];
    at("results").replaceChildren();
    show(answer);
    if (state.hits.length === 0) showNothing();
  } catch (error) {
    if (state.running !== running || error.name === "AbortError") return;
    state.hits = [];
    at("results").replaceChildren();
    at("status").textContent = "";
    showError(error, run);
  } finally {
    if (state.running === running) {
      at("results").classList.remove("stale");
      at("results").removeAttribute("aria-busy");
      state.running = null;
    }
  }
}

async function more() {
  if (!state.cursor || state.running) return;
  const running = new AbortController();
  state.running = running;
  at("more").disabled = true;
  try {
    const answer = await search(state.fields, state.cursor, running.signal, showBusy);
    if (state.running === running) show(answer);
  } catch (error) {
    if (state.running === running && error.name !== "AbortError") {
      state.cursor = null;
      showError(error, run);
    }
  } finally {
    if (state.running === running) state.running = null;
    at("more").disabled = false;
    at("more").hidden = !state.cursor;
  }
}

// ---- the results ----

function show(answer) {
  state.hits.push(...answer.results);
  state.cursor = answer.next_cursor;
  const best = bestScores(state.hits);
  at("results").append(...answer.results.map((hit) => card(hit, best, state.saved.has(idOf(hit)), actions)));
  at("more").hidden = !state.cursor;
  const count = state.hits.length;
  const taste = answer.priors_size > 0 ? ", with your taste in mind" : "";
  at("status").textContent = count === 0 ? "" :
    `${count}${state.cursor ? " and more" : ""} ${count === 1 ? "picture" : "pictures"} in ${Math.round(answer.took_ms.total)} ms${taste}`;
}

function showMessage(...content) { at("message").replaceChildren(...content); }
function showBusy() { at("status").textContent = "The server is busy; trying again…"; }

function showNothing() {
  if (state.tags.size > 0) {
    showMessage(message("Nothing fits", "No picture has these tags.", button("Remove the tags", () => {
      state.tags.clear();
      showChips();
      changed(0);
    })));
  } else {
    showMessage(message("Nothing here yet", "The collection has no pictures to show. Fill it with “clippy ingest”."));
  }
}

function showError(error, again) {
  if (error.status === 401) {
    showMessage(message("This server wants a key", error.message, keyForm((key) => {
      setKey(key);
      loadStyles();
      again();
    })));
    return;
  }
  const away = error instanceof TypeError;
  const title = away ? "The server does not answer" : error.title ?? "Something went wrong";
  const text = away ? "Check that the server is running." : error.message + (error.errorId ? ` (${error.errorId})` : "");
  showMessage(message(title, text, button("Try again", again)));
}

const actions = {
  open(hit) {
    view(at("viewer"), hit, bestScores(state.hits), actions);
    learn(idOf(hit), "click");
  },
  like(hit) {
    const id = idOf(hit);
    if (!state.likes.includes(id)) state.likes = [...state.likes, id].slice(-8);
    showReferences();
    window.scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    changed(0);
  },
  save(hit) {
    const id = idOf(hit);
    if (state.saved.has(id)) return;
    state.saved.add(id);
    actions.showSaved(id);
    learn(id, "save");
  },
  showSaved(id) {
    const saved = state.saved.has(id);
    for (const save of document.querySelectorAll(`[data-save="${CSS.escape(String(id))}"]`)) {
      save.setAttribute("aria-pressed", String(saved));
      save.textContent = saved ? "Saved" : "Save";
    }
  },
  tag(tag) {
    state.tags.has(tag) ? state.tags.delete(tag) : state.tags.add(tag);
    showChips();
    changed(0);
  },
};

async function learn(id, action) {
  if (!at("personalize").checked) return;
  try {
    await feedback(id, action);
  } catch (error) {
    if (action === "save") {
      state.saved.delete(id);
      actions.showSaved(id);
      at("status").textContent = `It could not be saved: ${error.message}`;
    }
  }
}

// ---- styles, references, weights ----

async function loadStyles() {
  try {
    state.styles = (await facets(24)).values;
    showChips();
  } catch {
    // The search itself says what is wrong; without styles the page works as well.
  }
}

function showChips() {
  const known = new Set(state.styles.map((style) => style.value));
  const others = [...state.tags].filter((tag) => !known.has(tag)).map((tag) => ({ value: tag, count: null }));
  const focused = document.activeElement?.parentElement === at("chips") ? document.activeElement.dataset.tag : null;
  at("chips").replaceChildren(...[...others, ...state.styles].map(({ value, count }) => {
    const made = chip(value, count, state.tags.has(value), () => actions.tag(value));
    made.dataset.tag = value;
    return made;
  }));
  if (focused) [...at("chips").children].find((made) => made.dataset.tag === focused)?.focus();
}

function showReferences() {
  const items = [];
  if (state.file) {
    const name = state.file.role === "image" ? "a picture" : "a drawing";
    items.push(reference(state.file.url, name, () => takeFile(null), () => {
      state.file.role = state.file.role === "image" ? "sketch" : "image";
      showReferences();
      changed(0);
    }));
  }
  for (const id of state.likes) {
    items.push(reference(imageUrl({ id }, 96), "like this", () => {
      state.likes = state.likes.filter((other) => other !== id);
      showReferences();
      changed(0);
    }));
  }
  at("references").replaceChildren(...items);
}

function takeFile(blob) {
  if (state.file) URL.revokeObjectURL(state.file.url);
  state.file = blob ? { blob, url: URL.createObjectURL(blob), role: "image" } : null;
  showReferences();
  changed(0);
}

/** A weight counts only for what the query has; the others step back. */
function showWeights() {
  const pictures = !pad.empty || state.file !== null || state.likes.length > 0;
  const said = at("words").value.trim() !== "" || state.likes.length > 0;
  for (const [id] of WEIGHTS) {
    at(`${id}-out`).textContent = Number(at(id).value).toFixed(2);
    const idle = somethingToLookFor() && !(id === "w-txt" ? said : pictures);
    for (const part of [at(id), at(`${id}-out`), document.querySelector(`label[for=${id}]`)]) part.classList.toggle("idle", idle);
  }
}

// ---- a gallery that is still being filled ----

const STAGES = { drawing: "Drawing the gallery", embedding: "Looking at the gallery's pictures", calibrating: "Measuring scores" };

/** Shows how far it is; what was found is asked for again after each hundred pictures, and at the end. */
async function showPreparing(searched = null) {
  let now;
  try { now = await preparing(); } catch { return; }
  at("preparing").hidden = !now;
  const there = now && now.stage !== "drawing" ? now.done : 0;
  if (searched !== null && (!now || there - searched >= 100)) {
    loadStyles();
    changed(0);
    searched = there;
  }
  if (!now) return;
  at("preparing").textContent = `${STAGES[now.stage] ?? "Preparing"}: ${now.done} of ${now.total}`;
  setTimeout(showPreparing, 1000, searched ?? there);
}

// ---- wiring ----

function erase(erasing) {
  pad.erasing = erasing;
  at("pen").setAttribute("aria-pressed", String(!erasing));
  at("eraser").setAttribute("aria-pressed", String(erasing));
}
at("pen").onclick = () => erase(false);
at("eraser").onclick = () => erase(true);
at("brush").oninput = () => { pad.brush = Number(at("brush").value); };
at("undo").onclick = () => pad.undo();
at("clear").onclick = () => pad.clear();
at("query").onsubmit = (event) => { event.preventDefault(); changed(0); };
at("words").oninput = () => changed(400);
at("words").onkeydown = (event) => { if (event.key === "Enter") { event.preventDefault(); changed(0); } };
at("personalize").onchange = () => changed(0);
for (const [id] of WEIGHTS) at(id).oninput = () => changed();
at("choose").onclick = () => at("file").click();
at("file").onchange = () => { takeFile(at("file").files[0] ?? null); at("file").value = ""; };
at("more").onclick = more;
at("viewer").addEventListener("click", (event) => { if (event.target === at("viewer")) at("viewer").close(); });

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement && event.target.type !== "range";
  if (!typing && (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    pad.undo();
  }
});
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((candidate) => candidate.type.startsWith("image/"));
  if (file) { event.preventDefault(); takeFile(file); }
});
document.addEventListener("dragover", (event) => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  at("pad-frame").classList.add("dropping");
});
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) at("pad-frame").classList.remove("dropping"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  at("pad-frame").classList.remove("dropping");
  const file = event.dataTransfer.files[0];
  if (file) takeFile(file);
});

// The page has a base, from which the link to a part of it would lead away.
document.querySelector(".skip").onclick = (event) => { event.preventDefault(); at("results").focus(); };

new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) more(); }, { rootMargin: "400px" })
  .observe(at("more"));

showPad();
showWeights();
loadStyles();
showPreparing();
run();
