// What the parts of the page share: the movie's facts, the time, the visible span. Changes are events: "seek", "time", "view", "marks",
// "chart" (labels or probabilities), "jump" (a step that "back" undoes), "faces" (those at the playhead).
const CLOSEST_S = 0.4;

export class MovieState {
  constructor(name, facts) {
    this.name = name;
    this.facts = facts;
    this.time = facts.start;
    this.from = facts.start;
    this.to = facts.end;
    this.marks = [];
    this.filter = { emotion: "", confidence: 0.5, seconds: 0.5 };
    this.chart = "labels";
    this.person = null; // whose moments are listed; null: everybody's
    this.revision = 0; // of the corrections that are shown
    this.handlers = {};
  }

  on(event, handler) { (this.handlers[event] ??= []).push(handler); }
  emit(event, ...values) { for (const handler of this.handlers[event] ?? []) handler(...values); }

  // Below it, in percent, labels fade.
  get threshold() { return 100 * this.filter.confidence; }

  // Scenes count from 1 here, and from 0 in the tables.
  sceneName(k) { return this.facts.scene_names[k] ? `${k + 1} ${this.facts.scene_names[k]}` : `${k + 1}`; }

  nameOf(track) { return this.people?.nameOf(track) ?? `#${track}`; }

  // Asks the player to go to a time; the player calls `at` when it is there.
  seek(time, reveal = true) {
    const { start, end } = this.facts;
    const wanted = Math.min(Math.max(time, start), Math.max(start, end - 1e-3));
    if (reveal) this.reveal(wanted);
    this.emit("seek", wanted);
  }

  at(time) {
    this.time = Math.max(time, this.facts.start); // the video may start after the sound
    this.emit("time", this.time);
  }

  show(from, to) {
    const { start, end } = this.facts;
    const whole = end - start;
    const span = Math.min(Math.max(to - from, Math.min(CLOSEST_S, whole)), whole);
    const middle = (from + to) / 2;
    this.from = Math.min(Math.max(middle - span / 2, start), end - span);
    this.to = this.from + span;
    this.emit("view");
  }

  zoom(factor, around = this.time) {
    const centre = Math.min(Math.max(around, this.from), this.to);
    this.show(centre - (centre - this.from) * factor, centre + (this.to - centre) * factor);
  }

  // Moves the visible span to where `time` is, if it is not in it.
  reveal(time) {
    const span = this.to - this.from;
    if (time >= this.from && time <= this.to) return;
    this.show(time - span / 10, time + (span * 9) / 10);
  }

  sceneAt(time) {
    const { scenes } = this.facts;
    let low = 0, high = scenes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (scenes[middle] <= time * 1000 + 0.5) low = middle + 1; else high = middle;
    }
    return Math.max(0, low - 1);
  }

  seekScene(by) {
    const { scenes } = this.facts;
    const next = Math.min(Math.max(this.sceneAt(this.time) + by, 0), scenes.length - 1);
    this.jump(scenes[next] / 1000);
    return next;
  }

  // Goes to a moment that was chosen.
  jump(time) {
    this.emit("jump");
    this.seekStart(time);
  }

  // Goes to the start of a frame: a little later, lest rounding shows the one before.
  seekStart(time) { this.seek(time + 0.001); }
}
