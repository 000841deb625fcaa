// The chart: shares over time, found moments, scenes, a lane per track. The playhead lies over it and never redraws it.
import { ask, clock, settled, told } from "./common.js";
import { Painter } from "./painter.js";

const HOW = matchMedia("(pointer: coarse)").matches
  ? "Tap or drag to go there, two fingers to zoom."
  : "Click or drag to go there; ctrl and wheel, or + and −, to zoom.";

const byId = (id) => document.getElementById(id);

export class Timeline {
  constructor(film) {
    this.film = film;
    this.chart = byId("chart");
    this.painter = new Painter(byId("canvas"), film);
    this.shares = null;
    this.lanes = null;
    this.failed = "";
    this.fetchSoon = settled(() => this.fetch(), 70);
    film.on("view", () => { this.paint(); this.fetchSoon(); this.showSpan(); });
    film.on("time", () => this.movePlayhead());
    film.on("marks", () => this.paint());
    document.addEventListener("themechange", () => { this.painter.readColours(); this.paint(); this.paintOverview(); });
    new ResizeObserver(() => this.fit()).observe(this.chart);
    this.bindPointer();
    this.bindOverview();
    this.chart.setAttribute("aria-valuemax", film.facts.end.toFixed(1));
    byId("zoom-in").addEventListener("click", () => film.zoom(0.5));
    byId("zoom-out").addEventListener("click", () => film.zoom(2));
    byId("zoom-fit").addEventListener("click", () => film.show(film.facts.start, film.facts.end));
    this.showSpan();
  }

  fit() {
    const before = this.painter.width;
    this.painter.resize();
    this.paint();
    this.paintOverview();
    this.movePlayhead();
    if (this.painter.width !== before) this.fetchSoon(); // an observer also calls when it begins
  }

  showSpan() {
    const { film } = this;
    const digits = film.to - film.from < 60 ? 1 : 0;
    byId("span").textContent = `${clock(film.from, digits)} - ${clock(film.to, digits)}`;
    const whole = film.facts.end - film.facts.start || 1;
    const window = byId("window");
    window.style.left = `${(100 * (film.from - film.facts.start)) / whole}%`;
    window.style.width = `${(100 * (film.to - film.from)) / whole}%`;
    this.movePlayhead();
  }

  paint() {
    if (this.painting) return;
    this.painting = requestAnimationFrame(() => {
      this.painting = 0;
      this.painter.paint(this.shares, this.lanes);
    });
  }

  // More than is seen is fetched, so that moving about shows no gaps.
  async fetch() {
    const { film } = this;
    const span = film.to - film.from;
    const from = Math.max(film.facts.start, film.from - span), to = Math.min(film.facts.end, film.to + span);
    const pixels = this.painter.plot;
    if (pixels < 1) return;
    const parts = (to - from) / (span || 1);
    this.going?.abort();
    const { signal } = (this.going = new AbortController());
    try {
      const [shares, lanes] = await Promise.all([
        ask("shares", film.name, { from, to, bins: Math.min(2000, Math.ceil((pixels * parts) / 2)) }, signal),
        ask("lanes", film.name, { from, to, pixels: Math.ceil(pixels * parts) }, signal),
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
    const hidden = this.lanes?.hidden ? `${this.lanes.hidden} short tracks appear when you zoom in. ` : "";
    byId("chart-note").textContent = problem || `${hidden}Height: the part of the time with a face. ${HOW}`;
  }

  movePlayhead() {
    const { film, painter } = this;
    const x = painter.x(film.time);
    const head = byId("playhead");
    head.hidden = film.time < film.from - 1e-6 || film.time > film.to + 1e-6;
    head.style.transform = `translateX(${x}px)`;
    this.chart.setAttribute("aria-valuenow", film.time.toFixed(3));
    this.chart.setAttribute("aria-valuetext", `${clock(film.time, 1)}, scene ${film.sceneAt(film.time)}`);
  }

  bindPointer() {
    const { chart, film, painter } = this;
    const fingers = new Map();
    const where = (event) => painter.time(event.clientX - chart.getBoundingClientRect().left);
    let pinch = null;
    chart.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      chart.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event.clientX);
      if (fingers.size === 2) {
        const [a, b] = [...fingers.values()];
        pinch = { apart: Math.abs(a - b) || 1, from: film.from, to: film.to, around: painter.time((a + b) / 2 - chart.getBoundingClientRect().left) };
      } else film.seek(where(event), false);
    });
    chart.addEventListener("pointermove", (event) => {
      this.showTip(event);
      if (!fingers.has(event.pointerId)) return;
      fingers.set(event.pointerId, event.clientX);
      if (pinch && fingers.size === 2) {
        const [a, b] = [...fingers.values()];
        const factor = pinch.apart / Math.max(Math.abs(a - b), 1);
        film.show(pinch.around - (pinch.around - pinch.from) * factor, pinch.around + (pinch.to - pinch.around) * factor);
      } else if (!pinch) film.seek(where(event), false);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      chart.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        if (!fingers.size) pinch = null;
      });
    }
    chart.addEventListener("pointerleave", () => { byId("tip").hidden = true; });
    chart.addEventListener("wheel", (event) => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        film.zoom(Math.exp(event.deltaY * 0.004), where(event));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        const by = (sideways / Math.max(painter.plot, 1)) * (film.to - film.from);
        film.show(film.from + by, film.to + by);
      }
    }, { passive: false });
  }

  showTip(event) {
    const { chart, painter, film, shares } = this;
    const box = chart.getBoundingClientRect();
    const tip = byId("tip");
    const time = painter.time(event.clientX - box.left);
    if (event.pointerType === "touch" || time < film.from || time > film.to || !shares) { tip.hidden = true; return; }
    const lines = [`${clock(time, 2)} · scene ${film.sceneAt(time)}`];
    const track = painter.trackAt(time, event.clientY - box.top, this.lanes);
    if (track) lines.push(track);
    else {
      const heights = painter.heightsAt(time, shares);
      const sum = heights.reduce((a, b) => a + b, 0);
      lines.push(sum > 0 ? told(heights.map((height) => height / sum)) : "no face");
    }
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const x = event.clientX - box.left;
    tip.style.transform = `translateX(${x > box.width / 2 ? x - tip.offsetWidth - 12 : x + 12}px)`;
  }

  bindOverview() {
    const { film } = this;
    const bar = byId("overview");
    let held = false;
    const move = (event) => {
      const box = bar.getBoundingClientRect();
      const time = film.facts.start + ((event.clientX - box.left) / box.width) * (film.facts.end - film.facts.start);
      const half = (film.to - film.from) / 2;
      film.show(time - half, time + half);
    };
    bar.addEventListener("pointerdown", (event) => { held = true; bar.setPointerCapture(event.pointerId); move(event); });
    bar.addEventListener("pointermove", (event) => { if (held) move(event); });
    for (const name of ["pointerup", "pointercancel"]) bar.addEventListener(name, () => { held = false; });
  }

  paintOverview() {
    if (this.whole) this.painter.paintOverview(byId("overview-canvas"), this.whole);
  }
}

