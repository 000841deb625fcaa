// Searches the moments of all films. The search is in the URL, so links reopen it, and back and forward work.
import { ROOT, byId, debounced, element, fade, pathOf, percent, timecode } from "./common.js";

const form = byId("query");
const DEFAULTS = Object.fromEntries(new FormData(form));
let shown = 0;
let request = null;

function query() {
  return Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
}

function restore() {
  const here = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(DEFAULTS)) form.elements[key].value = here.get(key) ?? value;
}

function remember() {
  const changed = Object.entries(query()).filter(([key, value]) => value !== DEFAULTS[key]);
  for (const key of Object.keys(DEFAULTS)) if (DEFAULTS[key] && form.elements[key].value === "") changed.push([key, ""]);
  const text = String(new URLSearchParams(changed));
  if (text !== location.search.slice(1)) history.pushState(null, "", location.pathname + (text && `?${text}`));
}

function play(row) {
  byId("play-title").textContent = `${row.movie}: ${row.emotion} ${percent(row.confidence_mean)}`;
  byId("play-open").href = `${ROOT}/movie/${pathOf(row.movie)}?t=${row.start.toFixed(3)}`;
  const video = byId("play-video");
  const kinds = ["annotated", "original", "copy"]; // a film may lack any of them
  const next = () => {
    const kind = kinds.shift();
    if (kind) video.src = `${ROOT}/video/${kind}/${pathOf(row.movie)}#t=${Math.max(0, row.start).toFixed(3)},${row.end.toFixed(3)}`;
  };
  video.onerror = () => { if (video.getAttribute("src")) next(); };
  next();
  byId("play").showModal();
  video.play().catch(() => {});
}

const hit = (row) => element("li", {}, element("button", { type: "button", "aria-label": `Play ${row.movie} at ${timecode(row.start, 1)}`, onclick: () => play(row) },
  element("img", { loading: "lazy", alt: "", width: 160, height: 90, src: `${ROOT}/still/moment/${(row.first_frame + row.last_frame) >> 1}/${pathOf(row.movie)}` })),
element("span", { class: "text" },
  element("a", { href: `${ROOT}/movie/${pathOf(row.movie)}?t=${row.start.toFixed(3)}` }, row.movie),
  element("span", {}, element("span", { class: `swatch e-${row.emotion}${fade(100 * row.confidence_mean, 50) < 1 ? " faint" : ""}` }), ` ${row.emotion} ${percent(row.confidence_mean)}`),
  element("span", { class: "muted num" }, `${timecode(row.start, 1)} · ${row.seconds.toFixed(1)} s · ${row.who}`)));

async function search(more = false) {
  const wanted = query();
  byId("csv").href = `${ROOT}/csv/find?${new URLSearchParams(wanted)}`;
  request?.abort();
  request = new AbortController();
  try {
    const answer = await fetch(`${ROOT}/api/find?${new URLSearchParams({ ...wanted, first: more ? shown : 0 })}`, { signal: request.signal });
    const found = await answer.json();
    if (!answer.ok) throw new Error(`${found.title}: ${found.message}`);
    const rows = found.rows.map(hit);
    if (more) byId("hits").append(...rows); else byId("hits").replaceChildren(...rows);
    shown = byId("hits").children.length;
    byId("more-row").hidden = shown >= found.total;
    const failed = found.failed ? ` · ${found.failed === 1 ? "1 film" : `${found.failed} films`} without readable results` : "";
    byId("totals").textContent = `${found.total === 1 ? "1 moment" : `${found.total} moments`} in ${found.films === 1 ? "1 film" : `${found.films} films`} · ${timecode(found.seconds)}${failed}`;
  } catch (error) {
    if (error.name !== "AbortError") byId("totals").textContent = error.message;
  }
}

const soon = debounced(() => { remember(); search(); }, 250);
form.addEventListener("input", soon);
form.addEventListener("submit", (event) => event.preventDefault());
byId("more").addEventListener("click", () => search(true));
byId("play").addEventListener("close", () => byId("play-video").pause());
addEventListener("popstate", () => { restore(); search(); });
restore();
search();
