// What several scripts need: fetching, timecodes, shares as bars and in words.
export const EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
export const LABELS = [...EMOTIONS, "unsure"];

// Where a reverse proxy shows the pages; "" without one.
export const ROOT = document.documentElement.dataset.root;

export const byId = (id) => document.getElementById(id);

export const pathOf = (name) => name.split("/").map(encodeURIComponent).join("/");

// GET /api/KIND/MOVIE; throws an error with the server's words.
export async function fetchJson(kind, name, parameters = {}, signal = undefined) {
  const answer = await fetch(`${ROOT}/api/${kind}/${pathOf(name)}?${new URLSearchParams(parameters)}`, { signal });
  if (answer.ok) return answer.json();
  const { title, message } = await answer.json().catch(() => ({ title: "No answer", message: `status ${answer.status}` }));
  throw new Error(`${title}: ${message}`);
}

// POST /api/KIND/MOVIE; throws an error with the server's words. The header shows that one of our own pages asks.
export async function postJson(kind, name, body) {
  const headers = { "Content-Type": "application/json", "X-Moodreel": "1" };
  const answer = await fetch(`${ROOT}/api/${kind}/${pathOf(name)}`, { method: "POST", headers, body: JSON.stringify(body) });
  const found = await answer.json().catch(() => ({ title: "No answer", message: `status ${answer.status}` }));
  if (answer.ok) return found;
  throw new Error(`${found.title}: ${found.message}`);
}

export function timecode(seconds, digits = 0) {
  const unit = 10 ** digits;
  const ticks = Math.floor(seconds * unit + 1e-6);
  const whole = Math.floor(ticks / unit);
  const two = (n) => String(n).padStart(2, "0");
  const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60, s = whole % 60;
  const text = h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  return digits ? `${text}.${String(ticks % unit).padStart(digits, "0")}` : text;
}

export const percent = (share) => `${Math.round(100 * share)}%`;

// How strongly a label is coloured: fully from the threshold on, below it the less the less sure it is. All in percent.
export const fade = (sure, threshold) => (sure >= threshold ? 1 : 0.2 + 0.4 * (sure / Math.max(threshold, 1)));

// Says something to everyone, in a corner of the page, for some seconds.
let silence = 0;
export function say(text) {
  byId("announcement").textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { byId("announcement").textContent = ""; }, 4000);
}

export function sharesInWords(shares) {
  if (!shares) return "no face";
  return shares.map((share, k) => [share, LABELS[k]]).filter(([share]) => share >= 0.005)
    .sort((a, b) => b[0] - a[0]).map(([share, name]) => `${name} ${percent(share)}`).join(", ") || "no face";
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

// An SVG element; its text is never read as markup.
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A bar of shares, as long as `length`, 0..1; grey where they rest on too little.
export function bar(shares, height = 10, length = 1, weak = false) {
  const svg = drawn("svg", {
    class: weak ? "shares weak" : "shares", viewBox: `0 0 1000 ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": sharesInWords(shares),
  });
  let x = 0;
  (shares || []).forEach((share, k) => {
    if (share <= 0) return;
    svg.append(drawn("rect", { class: `e-${LABELS[k]}`, x, y: 0, width: 1000 * share * length, height }));
    x += 1000 * share * length;
  });
  return svg;
}

// Files for Excel have the decimal mark of the reader's country; the server cannot know it.
const mark = new Intl.NumberFormat().formatToParts(1.5).find(({ type }) => type === "decimal").value;
for (const link of mark === "," ? document.querySelectorAll("a[data-excel]") : []) link.href = link.href.replace("excel=.", "excel=,");

// Calls `action` once for a burst of calls, `wait` ms after the last one.
export function debounced(action, wait) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), wait);
  };
}
