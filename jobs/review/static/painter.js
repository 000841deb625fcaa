// Draws the chart on its canvas. Knows where things are; decides nothing.
import { LABELS, fade, timecode } from "./common.js";

const RULER = 24, GAP = 6, STRIP = 10, BAND = 22, LANE_GAP = 3, MOST_LANES = 24;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

export class Painter {
  constructor(canvas, state) {
    this.canvas = canvas;
    this.state = state;
    this.readColours();
    this.resize();
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    this.colours = LABELS.map((name) => read(`--${name}`));
    this.edges = LABELS.map((name) => read(`--${name}-edge`));
    this.inks = this.colours.map((colour) => (luminance(colour) > 0.3 ? "#111" : "#fff"));
    for (const name of ["text", "muted", "line", "strong-line", "page", "ground", "accent"]) this[name.replace("-l", "L")] = read(`--${name}`);
  }

  resize() {
    const width = this.canvas.parentElement.clientWidth;
    const narrow = width < 600;
    this.gutter = narrow ? 46 : 64;
    this.width = width;
    this.plot = Math.max(0, width - this.gutter - 6);
    this.high = narrow ? 96 : 132;
    const lanes = Math.min(this.state.facts.lanes, MOST_LANES);
    this.lane = lanes <= 4 ? 20 : lanes <= 10 ? 14 : 8;
    this.tops = { chart: RULER, strip: RULER + this.high + GAP };
    this.tops.band = this.tops.strip + STRIP + GAP;
    this.tops.lanes = this.tops.band + BAND + GAP;
    this.height = this.tops.lanes + Math.max(1, lanes) * (this.lane + LANE_GAP) + 4;
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.canvas.style.height = `${this.height}px`;
    this.scale = scale;
  }

  x(time) { return this.gutter + ((time - this.state.from) / (this.state.to - this.state.from)) * this.plot; }
  time(x) { return this.state.from + ((x - this.gutter) / Math.max(this.plot, 1)) * (this.state.to - this.state.from); }

  paint(shares, lanes) {
    const context = (this.context = this.canvas.getContext("2d"));
    context.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.textBaseline = "middle";
    this.paintFrame();
    context.save();
    context.beginPath();
    context.rect(this.gutter, 0, this.plot, this.height);
    context.clip();
    if (shares) this.paintShares(shares);
    this.paintCuts();
    this.paintMarks();
    this.paintScenes();
    if (lanes) this.paintLanes(lanes);
    context.restore();
  }

  paintFrame() {
    const { context, tops, gutter, plot, high } = this;
    const narrow = gutter < 60;
    context.font = `${narrow ? 10.5 : 12}px system-ui, sans-serif`;
    context.fillStyle = this.page;
    context.fillRect(gutter, tops.chart, plot, high);
    context.fillRect(gutter, tops.strip, plot, STRIP);
    context.textAlign = "right";
    context.fillStyle = this.muted;
    const label = (text, y) => context.fillText(text, gutter - 7, y);
    label("100%", tops.chart + 6);
    label("50%", tops.chart + high / 2);
    label("0", tops.chart + high - 5);
    label("found", tops.strip + STRIP / 2);
    label("scenes", tops.band + BAND / 2);
    label("faces", tops.lanes + this.lane / 2);
    context.strokeStyle = this.line;
    context.lineWidth = 1;
    for (const part of [0, 0.5, 1]) this.stroke(gutter, tops.chart + Math.round(part * high) + 0.5, gutter + plot);
    this.paintRuler();
  }

  stroke(x, y, right) {
    this.context.beginPath();
    this.context.moveTo(x, y);
    this.context.lineTo(right, y);
    this.context.stroke();
  }

  paintRuler() {
    const { context, state, plot, gutter, tops } = this;
    const span = state.to - state.from;
    const step = STEPS.find((one) => (one / span) * plot >= 74) ?? STEPS[STEPS.length - 1];
    context.textAlign = "center";
    for (let k = Math.ceil(state.from / step); k * step <= state.to; k++) {
      const x = this.x(k * step);
      context.fillStyle = this.strongLine;
      context.fillRect(Math.round(x), tops.chart - 5, 1, 5);
      if (x < gutter + 14 || x > gutter + plot - 16) continue;
      context.fillStyle = this.muted;
      context.fillText(timecode(k * step, step < 1 ? 1 : 0), x, 9);
    }
  }

  paintShares({ from, to, heights, sure }) {
    const { context, tops, high, state } = this;
    const count = heights[0].length;
    const wide = (to - from) / count;
    const first = Math.max(0, Math.floor((state.from - from) / wide)), last = Math.min(count, Math.ceil((state.to - from) / wide));
    const base = new Float32Array(Math.max(0, last - first));
    const floor = tops.chart + high;
    heights.forEach((column, emotion) => {
      const fills = new Map(), edge = new Path2D(); // fills: by how strongly they are coloured
      let up = null; // level of the edge so far
      for (let k = first; k < last; k++) {
        const height = (column[k] * high) / 1000;
        const bottom = floor - base[k - first];
        base[k - first] += height;
        if (height < 0.4) { up = null; continue; }
        const x = this.x(from + k * wide), right = this.x(from + (k + 1) * wide), top = bottom - height;
        const strength = sure ? Math.round(5 * fade(sure[emotion][k], state.threshold)) / 5 : 1;
        if (!fills.has(strength)) fills.set(strength, new Path2D());
        fills.get(strength).rect(x, top, right - x + 0.35, height);
        if (up === null) edge.moveTo(x, top + 0.5); else edge.lineTo(x, top + 0.5);
        edge.lineTo(right, top + 0.5);
        up = top;
      }
      context.fillStyle = this.colours[emotion];
      for (const [strength, path] of fills) {
        context.globalAlpha = strength;
        context.fill(path);
      }
      context.globalAlpha = 1;
      context.strokeStyle = this.edges[emotion];
      context.lineWidth = 1;
      context.stroke(edge);
    });
  }

  // Yields the positions of those of some sorted times in ms that are in view.
  *inView(sorted) {
    const { state } = this;
    for (let k = Math.max(0, state.sceneAt(state.from)); k < sorted.length && sorted[k] <= state.to * 1000; k++) yield k;
  }

  paintCuts() {
    const { context, tops, state, high } = this;
    const cuts = state.facts.cuts.filter((ms) => ms > state.from * 1000 && ms < state.to * 1000);
    if (cuts.length * 7 > this.plot) return;
    context.strokeStyle = this.text;
    context.globalAlpha = 0.55;
    context.setLineDash([3, 3]);
    context.beginPath();
    for (const ms of cuts) {
      const x = Math.round(this.x(ms / 1000)) + 0.5;
      context.moveTo(x, tops.chart);
      context.lineTo(x, tops.chart + high);
    }
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  paintMarks() {
    const { context, tops } = this;
    for (const [start, end, emotion] of this.state.marks) {
      const x = this.x(start / 1000), wide = Math.max(this.x(end / 1000) - x, 2);
      if (x > this.width || x + wide < 0) continue;
      this.block(x, tops.strip, wide, STRIP, emotion);
    }
  }

  block(x, y, wide, high, emotion, strength = 1) {
    const { context } = this;
    context.fillStyle = this.ground;
    if (strength < 1) context.fillRect(x, y, wide, high);
    context.globalAlpha = strength;
    context.fillStyle = this.colours[emotion];
    context.fillRect(x, y, wide, high);
    context.globalAlpha = 1;
    if (wide < 3) return;
    context.strokeStyle = this.edges[emotion];
    context.lineWidth = 1;
    context.strokeRect(x + 0.5, y + 0.5, wide - 1, high - 1);
  }

  paintScenes() {
    const { context, tops, state } = this;
    const { scenes, dominant, seen, end } = state.facts;
    context.textAlign = "left";
    context.font = "11px system-ui, sans-serif";
    for (const k of this.inView(scenes)) {
      const x = this.x(scenes[k] / 1000), right = this.x(k + 1 < scenes.length ? scenes[k + 1] / 1000 : end);
      context.fillStyle = k % 2 ? this.line : this.page;
      context.fillRect(x, tops.band, right - x, BAND);
      // As long as its coverage; grey, with the line of "unsure", where that is too little to go by.
      const long = Math.max(((right - x) * seen[k]) / 100, 0.6), known = dominant[k] !== "-";
      if (seen[k]) this.block(x, tops.band + BAND - 6, long, 6, known ? Number(dominant[k]) : LABELS.length - 1, known ? 1 : 0.35);
      const visible = Math.max(x, this.gutter);
      const text = [state.sceneName(k), String(k + 1)].find((one) => context.measureText(one).width + 9 <= right - visible);
      if (!text) continue;
      context.fillStyle = this.text;
      context.fillText(text, visible + 5, tops.band + 8.5);
    }
  }

  paintLanes({ tracks, runs }) {
    const { context, tops, lane } = this;
    const rows = new Map();
    for (const [track, row, start, end, emotion] of tracks) {
      if (row >= MOST_LANES) continue;
      const y = tops.lanes + row * (lane + LANE_GAP);
      rows.set(track, y);
      this.block(this.x(start / 1000), y, Math.max(this.x(end / 1000) - this.x(start / 1000), 1.2), lane, emotion);
    }
    context.font = `${lane >= 18 ? 11.5 : 10}px system-ui, sans-serif`;
    for (const [track, start, end, emotion, percent] of runs) {
      const y = rows.get(track);
      if (y === undefined) continue;
      const x = this.x(start / 1000), wide = this.x(end / 1000) - x;
      const strength = fade(percent, this.state.threshold);
      this.block(x, y, wide, lane, emotion, strength);
      const visible = Math.max(x, this.gutter), room = Math.min(x + wide, this.gutter + this.plot) - visible;
      if (lane < 12 || room < 26) continue;
      const name = this.state.nameOf(track);
      const texts = [`${name} ${LABELS[emotion]} ${percent}%`, `${name} ${LABELS[emotion]}`, name];
      const text = texts.find((one) => context.measureText(one).width + 10 <= room);
      if (!text) continue;
      context.fillStyle = strength < 1 ? this.text : this.inks[emotion];
      context.fillText(text, visible + 5, y + lane / 2 + 0.5);
    }
  }

  trackAt(time, y, lanes) {
    const row = Math.floor((y - this.tops.lanes) / (this.lane + LANE_GAP));
    if (!lanes || row < 0) return null;
    const found = lanes.tracks.find(([, lane, start, end]) => lane === row && start <= time * 1000 && time * 1000 < end);
    if (!found) return null;
    const name = this.state.nameOf(found[0]);
    const run = lanes.runs.find(([track, start, end]) => track === found[0] && start <= time * 1000 && time * 1000 < end);
    return run ? `face ${name}: ${LABELS[run[3]]} ${run[4]}%` : `face ${name}: mostly ${LABELS[found[4]]}`;
  }

  heightsAt(time, { from, to, heights }) {
    const count = heights[0].length;
    const k = Math.min(count - 1, Math.max(0, Math.floor(((time - from) / (to - from)) * count)));
    return heights.map((column) => column[k]);
  }

  paintOverview(canvas, { heights }) {
    const width = canvas.parentElement.clientWidth, high = 26;
    canvas.width = Math.round(width * this.scale);
    canvas.height = Math.round(high * this.scale);
    const context = canvas.getContext("2d");
    context.scale(this.scale, this.scale);
    const count = heights[0].length;
    for (let k = 0; k < count; k++) {
      let y = high;
      heights.forEach((column, emotion) => {
        const height = (column[k] * high) / 1000;
        if (height <= 0) return;
        context.fillStyle = this.colours[emotion];
        context.fillRect((k * width) / count, y - height, width / count + 0.4, height);
        y -= height;
      });
    }
  }
}

function luminance(colour) {
  const [r, g, b] = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
