// The filter: finds intervals, lists and marks them, and offers them for download.
import { Clips } from "./clips.js";
import { ROOT, LABELS, byId, debounced, element, fade, fetchJson, pathOf, percent, say, timecode } from "./common.js";

export class Finder {
  constructor(state) {
    this.state = state;
    this.clips = new Clips(state);
    const soon = debounced(() => this.find(), 120);
    for (const id of ["emotion", "confidence", "seconds"]) byId(id).addEventListener("input", soon);
    byId("only-visible").addEventListener("change", soon);
    byId("filter").addEventListener("submit", (event) => event.preventDefault());
    for (const event of ["corrected", "people"]) state.on(event, soon);
    state.on("view", () => { if (byId("only-visible").checked) soon(); });
  }

  // Takes the filter from the form; returns it as a query string's parameters.
  read() {
    const number = (id) => Math.max(0, Number(byId(id).value) || 0);
    this.state.filter = { emotion: byId("emotion").value, confidence: Math.min(100, number("confidence")) / 100, seconds: number("seconds") };
    const query = Object.fromEntries(Object.entries(this.state.filter).filter(([, value]) => value));
    if (this.state.person !== null) query.person = this.state.person;
    if (byId("only-visible").checked) Object.assign(query, { from: this.state.from, to: this.state.to });
    return query;
  }

  async find() {
    const query = this.read();
    byId("confidence").setCustomValidity(Number(byId("confidence").value) > 100 ? "at most 100" : "");
    for (const kind of ["intervals", "frames"]) {
      byId(`csv-${kind}`).href = `${ROOT}/csv/${kind}/${pathOf(this.state.name)}?${new URLSearchParams(query)}`;
    }
    byId("sheet").href = `${ROOT}/still/sheet/${pathOf(this.state.name)}?${new URLSearchParams(query)}`;
    this.request?.abort();
    const { signal } = (this.request = new AbortController());
    try {
      const found = await fetchJson("intervals", this.state.name, query, signal);
      this.state.marks = found.marks;
      this.state.emit("marks");
      this.holds(found.total);
      byId("found").textContent = `${found.total} found · ${found.seconds < 60 ? `${found.seconds.toFixed(1)} s` : timecode(found.seconds)}`;
      this.list(found);
    } catch (error) {
      if (error.name !== "AbortError") byId("found").textContent = error.message;
    }
  }

  // What the CSV files hold, in words: one that is cut short must not look whole.
  holds(total) {
    const { from, to, facts } = this.state;
    const part = byId("only-visible").checked && (from > facts.start + 1e-3 || to < facts.end - 1e-3);
    const moments = total === 1 ? "1 moment" : `${total} moments`;
    byId("csv-holds").textContent = `${moments}${part ? `, only ${timecode(from, 1)} to ${timecode(to, 1)}` : ", the whole movie"}`;
  }

  list({ intervals, total }) {
    const rows = intervals.map((interval) => element("li", {}, element("button",
      { type: "button", onclick: () => this.state.jump(interval.start) },
      element("span", { class: `swatch e-${interval.emotion}${fade(100 * interval.confidence_mean, 50) < 1 ? " faint" : ""}` }),
      element("span", {}, interval.emotion),
      element("span", { class: "num" }, timecode(interval.start, 1)),
      element("span", { class: "num muted" }, `${interval.seconds.toFixed(1)} s`),
      element("span", { class: "num muted" }, `${percent(interval.confidence_mean)} ${this.state.nameOf(interval.track)}`)), this.clips.button(interval)));
    if (!rows.length) rows.push(element("li", { class: "none" }, "Nothing found. Try a lower confidence or a shorter length."));
    if (total > intervals.length) rows.push(element("li", { class: "none" }, `and ${total - intervals.length} more: zoom in or download the CSV`));
    byId("intervals").replaceChildren(...rows);
  }

  // Goes to the next interval of an emotion that has the filter's confidence and length.
  async next(emotion) {
    const { confidence, seconds } = this.state.filter;
    const { interval } = await fetchJson("next", this.state.name, { emotion: LABELS[emotion], confidence, seconds, after: this.state.time, ...(this.state.person === null ? {} : { person: this.state.person }) });
    if (!interval) {
      say(`no ${LABELS[emotion]} moment of ${percent(confidence)} or more for at least ${seconds} s`);
      return;
    }
    this.state.jump(interval.start);
    say(`${interval.emotion} at ${timecode(interval.start, 1)}`);
  }
}
