// The lists of scenes and of faces, some at a time.
import { ROOT, bar, byId, element, fetchJson, pathOf, sharesInWords, timecode } from "./common.js";

export class SceneList {
  constructor(state) {
    this.state = state;
    this.rows = [];
    this.current = -1;
    byId("scenes-more").addEventListener("click", () => this.fetch());
    state.on("time", (time) => this.mark(state.sceneAt(time)));
    state.on("corrected", () => this.fetch(true));
    this.fetch();
  }

  async fetch(again = false) {
    const first = again ? 0 : this.rows.length;
    const { total, scenes } = await fetchJson("scenes", this.state.name, { first }).catch(failed("scenes"));
    if (again) { this.rows = []; byId("scenes").replaceChildren(); }
    byId("scenes-count").textContent = total;
    for (const scene of scenes) {
      const button = element("button", { type: "button", onclick: () => this.state.jump(scene.start) },
        still(this.state, `/still/scene/${scene.scene}/`, { alt: "", width: 112, height: 63 }),
        element("span", { class: "text" },
          element("span", {}, element("b", {}, `Scene ${this.state.sceneName(scene.scene)}`), element("span", { class: "muted num" }, `  ${timecode(scene.start, 1)} · ${(scene.end - scene.start).toFixed(1)} s`)),
          bar(scene.shares, 10, scene.coverage, scene.weak),
          element("span", {}, scene.evidence),
          element("span", { class: "muted words" }, scene.shares ? sharesInWords(scene.shares) : "")));
      this.rows.push(button);
      byId("scenes").append(element("li", {}, button, this.state.corrector?.sceneControls(scene) ?? ""));
    }
    byId("scenes-more").hidden = this.rows.length >= total;
    this.mark(this.state.sceneAt(this.state.time), true);
  }

  mark(scene, force = false) {
    if (scene === this.current && !force) return;
    this.rows[this.current]?.removeAttribute("aria-current");
    this.current = scene;
    const row = this.rows[scene];
    if (!row) return;
    row.setAttribute("aria-current", "true");
    // Only the list scrolls, never the page.
    const list = byId("scenes"), item = row.parentElement;
    if (item.offsetTop < list.scrollTop + list.offsetTop || item.offsetTop + item.offsetHeight > list.offsetTop + list.scrollTop + list.clientHeight) {
      list.scrollTop = item.offsetTop - list.offsetTop - 8;
    }
  }
}

export class FaceList {
  constructor(state) {
    this.state = state;
    this.count = 0;
    byId("faces-more").addEventListener("click", () => this.fetch());
    state.on("corrected", () => this.fetch(true));
    this.fetch();
  }

  async fetch(again = false) {
    if (again) this.count = 0;
    const { total, faces } = await fetchJson("faces", this.state.name, { first: this.count }).catch(failed("faces"));
    if (!this.count) byId("faces").replaceChildren();
    byId("faces-count").textContent = total;
    this.count += faces.length;
    for (const face of faces) {
      byId("faces").append(element("li", {}, element("button",
        { type: "button", title: `scene ${face.scene + 1}, ${timecode(face.start, 1)}: ${sharesInWords(face.shares)}`, onclick: () => this.state.jump(face.start), "data-track": face.track },
        still(this.state, `/still/face/${face.track}/`, { alt: `face ${face.track}`, width: 76, height: 76 }),
        element("span", { class: "label" }, element("span", { class: `swatch e-${face.dominant}` }), face.dominant),
        element("span", { class: "muted num" }, `#${face.track} · ${(face.end - face.start).toFixed(1)} s`))));
    }
    if (!total) byId("faces").replaceChildren(element("li", { class: "none" }, "No face was found in this movie."));
    byId("faces-more").hidden = this.count >= total;
  }
}

// Without a video there are no stills; a blank keeps the list in shape.
function still(state, path, attributes) {
  if (!state.facts.videos.length) return element("span", { class: "blank", "aria-hidden": "true" });
  return element("img", { loading: "lazy", src: ROOT + path + pathOf(state.name), ...attributes });
}

const failed = (id) => (error) => {
  byId(id).replaceChildren(element("li", { class: "none" }, error.message));
  return { total: 0, scenes: [], faces: [] };
};
