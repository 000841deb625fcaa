// The faces in the picture at the playhead, each with its label and the seven probabilities of this very frame.
import { EMOTIONS, LABELS, byId, drawn, element, fade } from "./common.js";

const MOST = 6;

export class Now {
  constructor(state, player) {
    Object.assign(this, { state, player, shown: "", blocks: [] });
    player.onFrame = () => this.show();
    state.on("marks", () => this.show()); // the filter's threshold
    state.on("people", () => { this.shown = ""; this.show(); });
  }

  show() {
    const held = this.player.held(this.state.time);
    const faces = [...(held?.faces ?? [])].sort((a, b) => area(b) - area(a) || a[0] - b[0]);
    const key = [held?.frame, this.state.threshold, this.state.revision, this.player.video.paused].join();
    if (!held || key === this.shown) return;
    this.shown = key;
    const list = byId("now");
    while (this.blocks.length < Math.min(faces.length, MOST)) this.blocks.push(block());
    const used = this.blocks.slice(0, faces.length);
    used.forEach((one, k) => {
      this.fill(one, faces[k]);
      if (this.state.corrector && this.player.video.paused) one.tools.replaceChildren(...this.state.corrector.faceControls(faces[k][0], held.frame));
    });
    const rest = faces.length - used.length;
    const last = rest > 0 ? [element("li", { class: "rest muted small" }, `and ${rest} more`)] : [];
    if (!faces.length) last.push(element("li", { class: "rest muted small" }, "no face in this frame"));
    list.replaceChildren(...used.map((one) => one.item), ...last);
    this.state.emit("faces", faces, held.frame);
  }

  fill(one, [track, , , , , emotion, percent, probabilities]) {
    const name = this.state.nameOf(track);
    const unsure = LABELS[emotion] === "unsure";
    one.title.textContent = `${name} · ${LABELS[emotion]}${unsure ? "" : ` ${percent}%`}`;
    one.item.dataset.track = track;
    one.item.classList.toggle("faint", unsure || fade(percent, this.state.threshold) < 1);
    one.rows.forEach(({ fill, value, row }, k) => {
      const share = probabilities ? probabilities[k] : 0;
      fill.setAttribute("width", share);
      value.textContent = probabilities ? `${share}%` : "–";
      row.classList.toggle("most", k === emotion);
    });
    one.item.title = probabilities ? "" : "The detector missed the face in this frame; the box bridges the gap.";
  }
}

const area = ([, x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);

function block() {
  const rows = EMOTIONS.map((name) => {
    const fill = drawn("rect", { class: `e-${name}`, x: 0, y: 0, width: 0, height: 10 });
    const meter = drawn("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, fill);
    const holder = element("span", { class: "meter" }, meter);
    const value = element("span", { class: "num value" });
    const row = element("span", { class: "probability" }, element("span", {}, name), holder, value);
    return { fill, value, row };
  });
  const title = element("b", {});
  const tools = element("span", { class: "face-tools" });
  return { item: element("li", {}, title, ...rows.map(({ row }) => row), tools), title, rows, tools };
}
