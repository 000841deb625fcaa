// The filter: which moments there are, where, and how to take them away.
import { EMOTIONS, ask, clock, element, pathOf, percent, settled } from "./common.js";

const byId = (id) => document.getElementById(id);

export class Finder {
  constructor(film) {
    this.film = film;
    const soon = settled(() => this.find(), 120);
    for (const id of ["emotion", "confidence", "seconds"]) byId(id).addEventListener("input", soon);
    byId("only-visible").addEventListener("change", soon);
    byId("filter").addEventListener("submit", (event) => event.preventDefault());
    film.on("view", () => { if (byId("only-visible").checked) soon(); });
    this.find();
  }

  read() {
    const number = (id) => Math.max(0, Number(byId(id).value) || 0);
    this.film.filter = { emotion: byId("emotion").value, confidence: Math.min(1, number("confidence")), seconds: number("seconds") };
    const asked = Object.fromEntries(Object.entries(this.film.filter).filter(([, value]) => value));
    if (byId("only-visible").checked) Object.assign(asked, { from: this.film.from, to: this.film.to });
    return asked;
  }

  async find() {
    const asked = this.read();
    for (const kind of ["moments", "frames"]) {
      byId(`csv-${kind}`).href = `/csv/${kind}/${pathOf(this.film.name)}?${new URLSearchParams(asked)}`;
    }
    this.going?.abort();
    const { signal } = (this.going = new AbortController());
    try {
      const found = await ask("moments", this.film.name, asked, signal);
      this.film.marks = found.marks;
      this.film.tell("marks");
      byId("found").textContent = `${found.total} found · ${found.seconds < 60 ? `${found.seconds.toFixed(1)} s` : clock(found.seconds)}`;
      this.list(found);
    } catch (error) {
      if (error.name !== "AbortError") byId("found").textContent = error.message;
    }
  }

  list({ moments, total }) {
    const rows = moments.map((moment) => element("li", {}, element("button",
      { type: "button", onclick: () => this.film.seekStart(moment.start) },
      element("span", { class: `swatch e-${moment.emotion}` }),
      element("span", {}, moment.emotion),
      element("span", { class: "num" }, clock(moment.start, 1)),
      element("span", { class: "num muted" }, `${moment.seconds.toFixed(1)} s`),
      element("span", { class: "num muted" }, `${percent(moment.confidence_mean)} #${moment.track}`))));
    if (!rows.length) rows.push(element("li", { class: "none" }, "Nothing fits. Try less confidence, or a shorter time."));
    if (total > moments.length) rows.push(element("li", { class: "none" }, `and ${total - moments.length} more: zoom in, or take the CSV`));
    byId("moments").replaceChildren(...rows);
  }

  // The next moment of an emotion after where we are, as long and as sure as the filter has it.
  async next(emotion) {
    const { confidence, seconds } = this.film.filter;
    const { moment } = await ask("next", this.film.name, { emotion: EMOTIONS[emotion], confidence, seconds, after: this.film.time });
    const said = byId("said");
    if (!moment) { said.textContent = `no moment of ${EMOTIONS[emotion]}`; return; }
    this.film.seekStart(moment.start);
    said.textContent = `${moment.emotion} at ${clock(moment.start, 1)}`;
  }
}
