// Scenes and faces, some at a time.
import { ask, bar, clock, element, pathOf, told } from "./common.js";

const byId = (id) => document.getElementById(id);

export class Scenes {
  constructor(film) {
    this.film = film;
    this.rows = [];
    this.current = -1;
    byId("scenes-more").addEventListener("click", () => this.fetch());
    film.on("time", (time) => this.mark(film.sceneAt(time)));
    this.fetch();
  }

  async fetch() {
    const { total, scenes } = await ask("scenes", this.film.name, { first: this.rows.length }).catch(failed("scenes"));
    byId("scenes-count").textContent = total;
    for (const scene of scenes) {
      const button = element("button", { type: "button", onclick: () => this.film.seekStart(scene.start) },
        picture(this.film, `/picture/scene/${scene.scene}/`, { alt: "", width: 112, height: 63 }),
        element("span", { class: "text" },
          element("span", {}, element("b", {}, `Scene ${scene.scene}`), element("span", { class: "muted num" }, `  ${clock(scene.start, 1)} · ${(scene.end - scene.start).toFixed(1)} s`)),
          bar(scene.shares),
          element("span", { class: "muted" }, scene.shares ? `${told(scene.shares)}` : "no face")));
      this.rows.push(button);
      byId("scenes").append(element("li", {}, button));
    }
    byId("scenes-more").hidden = this.rows.length >= total;
    this.mark(this.film.sceneAt(this.film.time), true);
  }

  mark(scene, again = false) {
    if (scene === this.current && !again) return;
    this.rows[this.current]?.removeAttribute("aria-current");
    this.current = scene;
    const row = this.rows[scene];
    if (!row) return;
    row.setAttribute("aria-current", "true");
    // Only the list moves, never the page.
    const list = byId("scenes"), item = row.parentElement;
    if (item.offsetTop < list.scrollTop + list.offsetTop || item.offsetTop + item.offsetHeight > list.offsetTop + list.scrollTop + list.clientHeight) {
      list.scrollTop = item.offsetTop - list.offsetTop - 8;
    }
  }
}

export class Faces {
  constructor(film) {
    this.film = film;
    this.count = 0;
    byId("faces-more").addEventListener("click", () => this.fetch());
    this.fetch();
  }

  async fetch() {
    const { total, faces } = await ask("faces", this.film.name, { first: this.count }).catch(failed("faces"));
    byId("faces-count").textContent = total;
    this.count += faces.length;
    for (const face of faces) {
      byId("faces").append(element("li", {}, element("button",
        { type: "button", title: `scene ${face.scene}, ${clock(face.start, 1)}: ${told(face.shares)}`, onclick: () => this.film.seekStart(face.start) },
        picture(this.film, `/picture/face/${face.track}/`, { alt: `face ${face.track}`, width: 76, height: 76 }),
        element("span", { class: "label" }, element("span", { class: `swatch e-${face.dominant}` }), face.dominant),
        element("span", { class: "muted num" }, `#${face.track} · ${(face.end - face.start).toFixed(1)} s`))));
    }
    if (!total) byId("faces").replaceChildren(element("li", { class: "none" }, "No face was found in this movie."));
    byId("faces-more").hidden = this.count >= total;
  }
}

// Where there is no video there are no pictures; an empty place keeps the list in shape.
function picture(film, path, attributes) {
  if (!film.facts.videos.length) return element("span", { class: "blank", "aria-hidden": "true" });
  return element("img", { loading: "lazy", src: path + pathOf(film.name), ...attributes });
}

const failed = (id) => (error) => {
  byId(id).replaceChildren(element("li", { class: "none" }, error.message));
  return { total: 0, scenes: [], faces: [] };
};
