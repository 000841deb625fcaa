// The persons of a movie: one picture each; a click lists all their moments.
import { ROOT, bar, byId, element, fetchJson, pathOf, sharesInWords, timecode } from "./common.js";

export class People {
  constructor(state, finder) {
    Object.assign(this, { state, finder, of: new Map(), list: [] });
    state.people = this;
    byId("people-all").addEventListener("click", () => this.choose(null));
    state.on("corrected", () => this.fetch());
    this.ready = this.fetch();
  }

  async fetch() {
    const { people, tracks } = await fetchJson("people", this.state.name).catch(() => ({ people: [], tracks: [] }));
    this.of = new Map(tracks);
    this.list = people;
    this.show();
    this.state.emit("people");
  }

  // Persons count from 1 here, and from 0 in the tables.
  called(person) { return this.list.find((one) => one.person === person)?.called || `P${person + 1}`; }

  nameOf(track) { return this.of.has(track) ? this.called(this.of.get(track)) : `#${track}`; }

  show() {
    byId("people-card").hidden = !this.list.length;
    byId("people-count").textContent = this.list.length;
    byId("people").replaceChildren(...this.list.map((one) => element("li", {}, element("button",
      { type: "button", "aria-pressed": this.state.person === one.person, title: sharesInWords(one.shares), onclick: () => this.choose(one.person) },
      this.state.facts.videos.length
        ? element("img", { loading: "lazy", src: `${ROOT}/still/face/${one.track}/${pathOf(this.state.name)}`, alt: "", width: 76, height: 76 })
        : element("span", { class: "blank", "aria-hidden": "true" }),
      element("b", {}, this.called(one.person)),
      bar(one.shares, 8),
      element("span", { class: "muted num" }, `${timecode(one.seconds)} · ${one.tracks === 1 ? "1 face" : `${one.tracks} faces`}`)),
    ...(this.state.corrector?.personControls(one, this.list) ?? []))));
  }

  choose(person) {
    this.state.person = this.state.person === person ? null : person;
    byId("people-all").hidden = this.state.person === null;
    this.show();
    this.finder.find();
  }
}
