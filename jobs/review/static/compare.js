// One cursor over all films: what each shows at the same part, or the same second, of its time.
import { ROOT, LABELS, byId, percent, timecode } from "./common.js";

const figure = byId("figure");
for (const select of document.querySelectorAll("#pick select")) select.addEventListener("change", () => byId("pick").requestSubmit());

if (figure) {
  const [left, right] = [Number(figure.dataset.left), Number(figure.dataset.right)];
  const answer = await fetch(`${ROOT}/api/compare?${figure.dataset.query}`);
  const { films, span } = await answer.json();
  const cells = [...document.querySelectorAll("#films .at")];
  let part = 0;

  const words = (film) => {
    const seconds = span ? part * span : part * film.length; // span: of the common axis in true time
    if (seconds > film.length) return "over";
    const bins = film.heights[0].length;
    const k = Math.min(bins - 1, Math.floor((seconds / film.length) * bins));
    const column = film.heights.map((heights) => heights[k]);
    const sum = column.reduce((a, b) => a + b, 0);
    const most = column.indexOf(Math.max(...column));
    return `${timecode(seconds, 1)} ${sum ? `${LABELS[most]} ${percent(column[most] / sum)}` : "no face"}`;
  };

  const move = (to) => {
    part = Math.min(Math.max(to, 0), 1);
    byId("cursor").hidden = false;
    byId("cursor").style.left = `${100 * (left + part * (right - left))}%`;
    figure.setAttribute("aria-valuenow", Math.round(100 * part));
    films.forEach((film, k) => { cells[k].textContent = words(film); });
    figure.setAttribute("aria-valuetext", cells.map((cell) => cell.textContent).join("; "));
  };

  figure.addEventListener("pointermove", (event) => {
    const box = figure.getBoundingClientRect();
    move(((event.clientX - box.left) / box.width - left) / (right - left));
  });
  figure.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -0.01, ArrowRight: 0.01 }[event.key];
    if (by) { event.preventDefault(); move(part + by); }
  });
  figure.dataset.ready = "1";
}
