// A movie in progress: polls until it is done.
import { byId, fetchJson } from "./common.js";

const page = byId("waiting");
setInterval(async () => {
  const found = await fetchJson("state", page.dataset.name).catch(() => null);
  if (!found) return;
  if (["done", "partial", "failed", "gone"].includes(found.state)) location.reload();
  const badge = byId("state");
  if (badge) { badge.textContent = found.state; badge.className = `badge ${found.state}`; }
  byId("percent").value = found.percent || 0;
}, 2000);
