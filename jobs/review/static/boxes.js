// Draws boxes over the video, and finds the face under a point.
import { LABELS, fade } from "./common.js";

// Where a picture of the movie is in a screen of this size.
function placing({ facts }, width, height) {
  const fit = Math.min(width / facts.width, height / facts.height);
  return { fit, left: (width - facts.width * fit) / 2, top: (height - facts.height * fit) / 2 };
}

export function drawBoxes(canvas, player) {
  const { state } = player;
  const { width, height } = canvas.getBoundingClientRect();
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const found = player.boxes && player.kind ? player.held(state.time) : null;
  canvas.dataset.boxes = found ? found.faces.length : 0;
  if (!found || !state.facts.width) return;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const place = placing(state, width, height);
  if (player.labeller?.on) drawPlain(context, found.faces, place, player.labeller.selected?.[0]);
  else drawLabelled(context, found.faces, place, { width, height, state });
}

function drawLabelled(context, faces, { fit, left, top }, { width, height, state }) {
  const style = getComputedStyle(document.documentElement);
  context.font = "600 12px system-ui, sans-serif";
  for (const [track, x1, y1, x2, y2, emotion, percent] of faces) {
    const [x, y, w, h] = [left + x1 * fit, top + y1 * fit, (x2 - x1) * fit, (y2 - y1) * fit];
    const unsure = LABELS[emotion] === "unsure"; // thin and grey, without a word, as in the annotated video
    const faint = unsure || fade(percent, state.threshold) < 1;
    for (const [colour, line] of [["rgb(0 0 0 / .75)", faint ? 3 : 5], [style.getPropertyValue(`--${LABELS[emotion]}`), faint ? 1.25 : 2.5]]) {
      context.setLineDash(faint && !unsure ? [5, 4] : []);
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.strokeRect(x, y, w, h);
    }
    context.setLineDash([]);
    if (unsure) continue;
    const text = `${LABELS[emotion]} ${percent}% ${state.nameOf(track)}`;
    const wide = context.measureText(text).width + 16;
    const px = Math.min(Math.max(x - 2, 0), Math.max(0, width - wide)), py = y >= 24 ? y - 23 : Math.min(y + h + 3, height - 20);
    context.fillStyle = faint ? "rgb(18 19 22 / .6)" : "rgb(18 19 22 / .9)";
    context.fillRect(px, py, wide, 20);
    context.fillStyle = style.getPropertyValue(`--${LABELS[emotion]}`);
    context.globalAlpha = faint ? 0.5 : 1;
    context.fillRect(px, py, 5, 20);
    context.globalAlpha = 1;
    context.fillStyle = faint ? "#d0d0d4" : "#fff";
    context.fillText(text, px + 10, py + 14.5);
  }
}

// Boxes without the network's labels, for whoever gives labels of their own.
function drawPlain(context, faces, { fit, left, top }, selected) {
  for (const [track, x1, y1, x2, y2] of faces) {
    for (const [colour, line] of [["rgb(0 0 0 / .75)", 5], ["#fff", track === selected ? 3 : 1.5]]) {
      context.setLineDash(track === selected ? [] : [6, 4]);
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.strokeRect(left + x1 * fit, top + y1 * fit, (x2 - x1) * fit, (y2 - y1) * fit);
    }
  }
}

export function faceUnder(canvas, player, x, y) {
  const box = canvas.getBoundingClientRect();
  const { fit, left, top } = placing(player.state, box.width, box.height);
  const [px, py] = [(x - box.left - left) / fit, (y - box.top - top) / fit];
  const hit = (player.held(player.state.time)?.faces ?? []).filter(([, x1, y1, x2, y2]) => px >= x1 && px <= x2 && py >= y1 && py <= y2);
  return hit.sort((a, b) => (a[3] - a[1]) * (a[4] - a[2]) - (b[3] - b[1]) * (b[4] - b[2]))[0] ?? null;
}
