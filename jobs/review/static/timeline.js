// The chart: shares over time, intervals found, scenes, a lane per track. The playhead lies over it and never redraws it.
import { ROOT, byId, debounced, fetchJson, sharesInWords, timecode } from "./common.js";
import { Painter } from "./painter.js";

const HINT = matchMedia("(pointer: coarse)").matches
  ? "Tap or drag to seek, pinch to zoom."
  : "Click or drag to seek; ctrl (or ⌘) + wheel, or + and −, to zoom.";

export class Timeline {
  constructor(state) {
    this.state = state;
    this.chart = byId("chart");
    this.painter = new Painter(byId("canvas"), state);
    this.shares = null;
    this.lanes = null;
    this.failed = "";
    this.fetchSoon = debounced(() => this.fetch(), 70);
    state.on("view", () => { this.paint(); this.fetchSoon(); this.showSpan(); });
    state.on("time", () => this.movePlayhead());
    state.on("marks", () => this.paint());
    state.on("people", () => this.paint());
    state.on("corrected", () => { this.whole = null; this.fit(); this.fetch(); });
    for (const chart of ["labels", "probabilities"]) byId(`view-${chart}`).addEventListener("click", () => this.setChart(chart));
    document.addEventListener("themechange", () => { this.painter.readColours(); this.paint(); this.paintOverview(); });
    new ResizeObserver(() => this.fit()).observe(this.chart);
    this.bindPointer();
    this.bindOverview();
    this.chart.setAttribute("aria-valuemax", state.facts.end.toFixed(1));
    byId("zoom-in").addEventListener("click", () => state.zoom(0.5));
    byId("zoom-out").addEventListener("click", () => state.zoom(2));
    byId("zoom-fit").addEventListener("click", () => state.show(state.facts.start, state.facts.end));
    this.showSpan();
  }

  fit() {
    const before = this.painter.width;
    this.painter.resize();
    this.paint();
    this.paintOverview();
    this.movePlayhead();
    if (this.painter.width !== before) this.fetchSoon(); // an observer also calls once at its start
  }

  showSpan() {
    const { state } = this;
    for (const kind of ["svg", "pdf", "png"]) {
      byId(`figure-${kind}`).href = `${ROOT}/figure.${kind}?${new URLSearchParams({ a: state.name, from: state.from, to: state.to, of: state.chart })}`;
    }
    const digits = state.to - state.from < 60 ? 1 : 0;
    byId("span").textContent = `${timecode(state.from, digits)} - ${timecode(state.to, digits)}`;
    const whole = state.facts.end - state.facts.start || 1;
    const window = byId("window");
    window.style.left = `${(100 * (state.from - state.facts.start)) / whole}%`;
    window.style.width = `${(100 * (state.to - state.from)) / whole}%`;
    this.movePlayhead();
  }

  // Shows "labels" or "probabilities".
  setChart(chart) {
    const { state } = this;
    for (const one of ["labels", "probabilities"]) byId(`view-${one}`).setAttribute("aria-pressed", one === chart);
    if (state.chart === chart) return;
    state.chart = chart;
    this.whole = null;
    state.emit("chart");
    this.showSpan();
    this.fetch();
  }

  paint() {
    if (this.painting) return;
    this.painting = requestAnimationFrame(() => {
      this.painting = 0;
      this.painter.paint(this.shares, this.lanes);
      if (this.pointer) this.showTip(this.pointer); // what was under it has moved
    });
  }

  // Fetches more than is visible, so that moving shows no gaps.
  async fetch() {
    const { state } = this;
    const span = state.to - state.from;
    const from = Math.max(state.facts.start, state.from - span), to = Math.min(state.facts.end, state.to + span);
    const pixels = this.painter.plot;
    if (pixels < 1) return;
    const parts = (to - from) / (span || 1);
    this.request?.abort();
    const { signal } = (this.request = new AbortController());
    try {
      const [shares, lanes] = await Promise.all([
        fetchJson("shares", state.name, { from, to, bins: Math.min(2000, Math.ceil((pixels * parts) / 2)), of: state.chart }, signal),
        fetchJson("lanes", state.name, { from, to, pixels: Math.ceil(pixels * parts) }, signal),
      ]);
      this.shares = shares;
      this.lanes = lanes;
      if (!this.whole) { this.whole = shares; this.paintOverview(); }
      this.say("");
    } catch (error) {
      if (error.name === "AbortError") return;
      this.say(error.message);
    }
    this.paint();
    this.chart.dataset.ready = "1";
  }

  say(problem) {
    const hidden = this.lanes?.hidden ? `${this.lanes.hidden} short tracks appear as you zoom in. ` : "";
    const colours = this.state.chart === "labels"
      ? "Colours: each label's share of face-time, pale below the filter's confidence."
      : "Colours: the network's mean probabilities.";
    byId("chart-note").textContent = problem || `${hidden}Height: the part of the time with a face. ${colours} ${HINT}`;
  }

  movePlayhead() {
    const { state, painter } = this;
    const x = painter.x(state.time);
    const head = byId("playhead");
    head.hidden = state.time < state.from - 1e-6 || state.time > state.to + 1e-6;
    head.style.transform = `translateX(${x}px)`;
    this.chart.setAttribute("aria-valuenow", state.time.toFixed(3));
    this.chart.setAttribute("aria-valuetext", `${timecode(state.time, 1)}, scene ${state.sceneName(state.sceneAt(state.time))}`);
  }

  bindPointer() {
    const { chart, state, painter } = this;
    const fingers = new Map();
    const where = (event) => painter.time(event.clientX - chart.getBoundingClientRect().left);
    let pinch = null;
    chart.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      chart.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event.clientX);
      if (fingers.size === 2) {
        const [a, b] = [...fingers.values()];
        pinch = { apart: Math.abs(a - b) || 1, from: state.from, to: state.to, around: painter.time((a + b) / 2 - chart.getBoundingClientRect().left) };
      } else state.seek(where(event), false);
    });
    chart.addEventListener("pointermove", (event) => {
      this.pointer = event;
      this.showTip(event);
      if (!fingers.has(event.pointerId)) return;
      fingers.set(event.pointerId, event.clientX);
      if (pinch && fingers.size === 2) {
        const [a, b] = [...fingers.values()];
        const factor = pinch.apart / Math.max(Math.abs(a - b), 1);
        state.show(pinch.around - (pinch.around - pinch.from) * factor, pinch.around + (pinch.to - pinch.around) * factor);
      } else if (!pinch) state.seek(where(event), false);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      chart.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        if (!fingers.size) pinch = null;
      });
    }
    chart.addEventListener("pointerleave", () => { this.pointer = null; byId("tip").hidden = true; });
    chart.addEventListener("wheel", (event) => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        state.zoom(Math.exp(event.deltaY * 0.004), where(event));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        const by = (sideways / Math.max(painter.plot, 1)) * (state.to - state.from);
        state.show(state.from + by, state.to + by);
      }
    }, { passive: false });
  }

  showTip(event) {
    const { chart, painter, state, shares } = this;
    const box = chart.getBoundingClientRect();
    const tip = byId("tip");
    const time = painter.time(event.clientX - box.left);
    if (event.pointerType === "touch" || time < state.from || time > state.to || !shares) { tip.hidden = true; return; }
    const lines = [`${timecode(time, 2)} · scene ${state.sceneName(state.sceneAt(time))}`];
    const track = painter.trackAt(time, event.clientY - box.top, this.lanes);
    if (track) lines.push(track);
    else {
      const heights = painter.heightsAt(time, shares);
      const sum = heights.reduce((a, b) => a + b, 0);
      lines.push(sum > 0 ? sharesInWords(heights.map((height) => height / sum)) : "no face");
    }
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const x = event.clientX - box.left;
    tip.style.transform = `translateX(${x > box.width / 2 ? x - tip.offsetWidth - 12 : x + 12}px)`;
  }

  bindOverview() {
    const { state } = this;
    const bar = byId("overview");
    let held = false;
    const move = (event) => {
      const box = bar.getBoundingClientRect();
      const time = state.facts.start + ((event.clientX - box.left) / box.width) * (state.facts.end - state.facts.start);
      const half = (state.to - state.from) / 2;
      state.show(time - half, time + half);
    };
    bar.addEventListener("pointerdown", (event) => { held = true; bar.setPointerCapture(event.pointerId); move(event); });
    bar.addEventListener("pointermove", (event) => { if (held) move(event); });
    for (const name of ["pointerup", "pointercancel"]) bar.addEventListener(name, () => { held = false; });
  }

  paintOverview() {
    if (this.whole) this.painter.paintOverview(byId("overview-canvas"), this.whole);
  }
}

