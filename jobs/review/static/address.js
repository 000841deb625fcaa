// The state of the page in its URL: time, span, filter, view. So a link reopens what was seen, and back and forward work.
import { byId, debounced } from "./common.js";

const QUIET_MS = 350;
const DEFAULTS = { emotion: "", over: "50", least: "0.5", everywhere: "", view: "labels" };
const FIELDS = { emotion: "emotion", over: "confidence", least: "seconds" };

export class Address {
  constructor(state, finder, timeline) {
    Object.assign(this, { state, finder, timeline, jumped: false });
    this.soon = debounced(() => this.write(), QUIET_MS);
    this.restore(true);
    for (const event of ["time", "view", "marks", "chart"]) state.on(event, this.soon);
    state.on("jump", () => { this.jumped = true; this.soon(); });
    addEventListener("popstate", () => this.restore());
  }

  query() {
    const { state } = this;
    const { start, end } = state.facts;
    const found = new URLSearchParams();
    if (state.time > start + 1e-3) found.set("t", state.time.toFixed(3));
    if (state.from > start + 1e-3 || state.to < end - 1e-3) {
      found.set("from", state.from.toFixed(3));
      found.set("to", state.to.toFixed(3));
    }
    const held = { view: state.chart, everywhere: byId("only-visible").checked ? "" : "1" };
    for (const [key, id] of Object.entries(FIELDS)) held[key] = byId(id).value;
    for (const [key, value] of Object.entries(held)) if (value !== DEFAULTS[key]) found.set(key, value);
    return found;
  }

  // A jump, another span or filter is a step that "back" undoes; where the video plays or is dragged to is not.
  write() {
    const wanted = this.query(), here = new URLSearchParams(location.search);
    if (String(wanted) === String(here)) { this.jumped = false; return; }
    const lasting = (query) => { const rest = new URLSearchParams(query); rest.delete("t"); return String(rest); };
    const step = this.jumped || lasting(wanted) !== lasting(here);
    this.jumped = false;
    const text = String(wanted);
    history[step ? "pushState" : "replaceState"](null, "", location.pathname + (text && `?${text}`));
  }

  restore(first = false) {
    const here = new URLSearchParams(location.search);
    const { state } = this;
    const number = (key, other) => (here.has(key) && Number.isFinite(Number(here.get(key))) ? Number(here.get(key)) : other);
    for (const [key, id] of Object.entries(FIELDS)) byId(id).value = here.get(key) ?? DEFAULTS[key];
    byId("only-visible").checked = !here.get("everywhere");
    this.timeline.setChart(here.get("view") === "probabilities" ? "probabilities" : "labels");
    const { start, end } = state.facts;
    const from = number("from", start), to = number("to", end);
    state.show(from < to ? from : start, from < to ? to : end);
    const time = number("t", start);
    if (!first || here.has("t")) state.seek(Math.min(Math.max(time, start), end), false);
    this.finder.find();
  }
}
