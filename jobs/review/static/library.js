// Sorts and searches the rows, and keeps them up to date.
const ROOT = document.documentElement.dataset.root;
const holder = document.getElementById("library");
const search = document.getElementById("search");
const share = document.getElementById("share");
const nothing = document.getElementById("nothing");
const live = document.getElementById("live");
const BUSY_MS = 2000, IDLE_MS = 10000;
let sort = { key: null, down: false };
let etag = null;

const rows = () => [...holder.querySelectorAll("tbody tr")];

function valueOf(row, key) {
  const text = row.dataset[key];
  if (key === "name" || key === "status") return text.toLowerCase();
  return text === undefined ? -1 : Number(text);
}

function arrange() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let seen = 0;
  for (const row of rows()) {
    const text = `${row.dataset.name} ${row.dataset.status}`.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    seen += !row.hidden;
  }
  nothing.hidden = seen > 0 || rows().length === 0;
  if (words.length) live.textContent = `${seen} movies match`;
  if (sort.key) {
    const way = sort.down ? -1 : 1;
    const ordered = rows().sort((a, b) => {
      const [x, y] = [valueOf(a, sort.key), valueOf(b, sort.key)];
      return way * (typeof x === "string" ? x.localeCompare(y, undefined, { numeric: true }) : x - y);
    });
    ordered[0]?.parentElement.append(...ordered);
  }
  for (const head of holder.querySelectorAll("th[data-key]")) {
    const mine = head.dataset.key === sort.key;
    head.setAttribute("aria-sort", mine ? (sort.down ? "descending" : "ascending") : "none");
  }
}

holder.addEventListener("click", (event) => {
  const head = event.target.closest("th[data-key]");
  if (!head) return;
  const key = head.dataset.key;
  const first = !(key === "name" || key === "status"); // numbers: the largest first
  sort = { key, down: sort.key === key ? !sort.down : first };
  share.value = "";
  arrange();
});
search.addEventListener("input", arrange);
share.addEventListener("change", () => {
  sort = share.value ? { key: share.value, down: true } : { key: null, down: false };
  if (sort.key) arrange();
  else etag = null, refresh();
});

async function refresh() {
  const answer = await fetch(`${ROOT}/rows`, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return; // 304: nothing new; no answer: the server may come back
  etag = answer.headers.get("ETag");
  const focused = document.activeElement?.closest("#library a, #library th[data-key]");
  const mark = focused?.getAttribute("href") ?? focused?.dataset.key;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  // Keep the posters that are already loaded.
  for (const image of fresh.querySelectorAll("img[src]")) {
    const held = [...holder.querySelectorAll("img")].find((old) => old.getAttribute("src") === image.getAttribute("src"));
    if (held) image.replaceWith(held.cloneNode());
  }
  holder.replaceChildren(...fresh.childNodes);
  arrange();
  if (mark) holder.querySelector(`a[href="${CSS.escape(mark)}"], th[data-key="${CSS.escape(mark)}"] button`)?.focus();
}

function schedule() {
  const busy = holder.querySelector("[data-busy='1']") || !rows().length;
  setTimeout(async () => {
    if (!document.hidden) await refresh();
    schedule();
  }, busy ? BUSY_MS : IDLE_MS);
}

arrange();
schedule();
