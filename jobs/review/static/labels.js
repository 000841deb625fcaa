// Labels that the user gives to faces, with --edit: select a face, press a key. The network's own labels are hidden meanwhile.
import { EMOTIONS, byId, element, fetchJson, postJson, say } from "./common.js";

export const CHOICES = [...EMOTIONS, "unclear", "noface"];
const WORDS = { noface: "not a face" };

export class Labeller {
  constructor(state, player) {
    this.state = state;
    this.player = player;
    this.on = false;
    this.track = null;
    this.labels = [];
    this.by = "";
    this.turn = Promise.resolve(); // one change after the other
    player.labeller = this;
    byId("label-mode").addEventListener("click", () => this.set(!this.on));
    byId("label-undo").addEventListener("click", () => this.undo());
    byId("label-random").addEventListener("click", () => this.random());
    CHOICES.forEach((choice, k) => byId("label-choices").append(
      element("button", { type: "button", onclick: () => this.give(k) },
        element("kbd", {}, String(k + 1)), ` ${WORDS[choice] ?? choice}`)));
    byId("screen").addEventListener("click", (event) => this.click(event), true);
    state.on("time", () => this.show());
    this.ready = fetchJson("labels", state.name).then((found) => this.hold(found)).catch((error) => this.say(error.message));
  }

  hold({ by, labels }) {
    this.by = by;
    this.labels = labels;
    this.show();
  }

  say(text) { byId("label-status").textContent = text; }

  set(on) {
    this.on = on;
    document.body.classList.toggle("labelling", on);
    byId("label-mode").setAttribute("aria-pressed", on);
    byId("label-tools").hidden = !on;
    const select = byId("source");
    if (on && [...select.options].some((option) => option.value === "original") && this.player.kind !== "original") {
      select.value = "original"; // the annotated video shows the network's labels
      this.player.choose("original");
    }
    this.player.setBoxes(on || this.player.kind !== "annotated");
    this.player.draw();
    this.show();
  }

  get blind() { return this.player.kind !== "annotated"; }

  get faces() { return this.player.held(this.state.time)?.faces ?? []; }

  // The face that a key labels: the one that was clicked, or the only one.
  get selected() {
    const { faces } = this;
    if (faces.length === 1) return faces[0];
    return faces.find(([track]) => track === this.track) ?? null;
  }

  labelOf(frame, track) {
    return this.labels.findLast((one) => one.frame === frame && one.track === track && one.by === this.by)?.label;
  }

  click(event) {
    if (!this.on) return;
    const hit = this.player.faceAt(event.clientX, event.clientY);
    if (!hit) return;
    event.stopPropagation();
    event.preventDefault();
    this.track = hit[0];
    this.player.draw();
    this.show();
  }

  show() {
    byId("label-count").textContent = `${this.labels.length} labelled`;
    byId("label-undo").disabled = !this.labels.some((one) => one.by === this.by);
    if (!this.on) return;
    const held = this.player.held(this.state.time), face = this.selected;
    if (!held) return;
    if (!held.faces.length) this.say("no face here");
    else if (!face) this.say("click a face");
    else {
      const label = this.labelOf(held.frame, face[0]);
      this.say(`face #${face[0]}: ${label ? WORDS[label] ?? label : "press a key"}${this.blind ? "" : " (the video shows the network's label)"}`);
    }
  }

  give(k) {
    if (!this.player.video.paused) { this.player.video.pause(); this.say("paused: press again"); return; }
    const held = this.player.held(this.state.time), face = this.selected;
    if (!held || !face) { this.show(); return; }
    this.change({ frame: held.frame, track: face[0], label: CHOICES[k], blind: this.blind });
  }

  undo() {
    // The last one when its turn comes: an earlier change may still be under way.
    this.change(() => {
      const last = this.labels.findLast((one) => one.by === this.by);
      return last && { undo: last.id };
    });
  }

  change(what) {
    this.turn = this.turn.then(async () => {
      await this.ready;
      const body = typeof what === "function" ? what() : what;
      if (!body) return;
      this.hold(await postJson("labels", this.state.name, body));
      this.player.draw();
      say(byId("label-status").textContent);
    }).catch((error) => this.say(error.message));
    return this.turn;
  }

  async random() {
    try {
      const { time, track } = await fetchJson("random-face", this.state.name);
      this.track = track;
      this.state.seekStart(time);
    } catch (error) { this.say(error.message); }
  }
}
