// A movie that is under way: look again until it is done.
import { ask } from "./common.js";

const page = document.getElementById("waiting");
setInterval(async () => {
  const found = await ask("state", page.dataset.name).catch(() => null);
  if (!found) return;
  if (["done", "partial", "failed", "gone"].includes(found.state)) location.reload();
  const badge = document.getElementById("state");
  if (badge) { badge.textContent = found.state; badge.className = `badge ${found.state}`; }
  document.getElementById("percent").value = found.percent || 0;
}, 2000);
