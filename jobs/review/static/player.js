// The video, or stills where the browser cannot play it; its frames' true times; boxes over it.
import { drawBoxes, faceUnder } from "./boxes.js";
import { ROOT, byId, fetchJson, pathOf, say, timecode } from "./common.js";

export class Player {
  constructor(state) {
    this.state = state;
    this.video = byId("video");
    this.still = byId("still");
    this.chunks = [];
    this.requests = new Map();
    this.boxes = false;
    this.kind = null;
    this.playable = false;
    state.on("seek", (time) => this.go(time));
    this.bind();
    this.choose(state.facts.videos[0]?.kind ?? null);
  }

  bind() {
    const { video } = this;
    byId("play").addEventListener("click", () => this.toggle());
    video.addEventListener("click", () => this.toggle());
    byId("back").addEventListener("click", () => this.step(-1));
    byId("forth").addEventListener("click", () => this.step(1));
    byId("boxes-on").addEventListener("click", () => this.toggleBoxes());
    byId("speed").addEventListener("change", (event) => { video.playbackRate = Number(event.target.value); });
    byId("mute").addEventListener("click", (event) => {
      video.muted = !video.muted;
      event.target.setAttribute("aria-pressed", video.muted);
    });
    for (const name of ["play", "pause", "ended"]) video.addEventListener(name, () => this.showPlaying());
    video.addEventListener("seeked", () => this.arrived(video.currentTime));
    video.addEventListener("error", () => { if (this.kind && video.getAttribute("src")) this.cannotPlay(); });
    video.addEventListener("loadedmetadata", () => {
      if (video.videoWidth === 0) { this.cannotPlay(); return; }
      this.playable = true;
      this.note("");
      video.playbackRate = Number(byId("speed").value);
      if (this.state.time > 0) video.currentTime = this.state.time + 0.001;
      else this.arrived(0);
    });
    new ResizeObserver(() => this.draw()).observe(byId("screen"));
    this.pick();
  }

  pick() {
    const { videos } = this.state.facts;
    const select = byId("source");
    for (const { kind } of videos) select.append(new Option({ annotated: "Annotated", copy: "Copy of the original" }[kind] ?? "Original", kind));
    const name = () => { // its labels are drawn in
      const option = [...select.options].find(({ value }) => value === "annotated");
      if (option) option.text = this.state.facts.corrected ? "Annotated, uncorrected" : "Annotated";
    };
    name();
    this.state.on("corrected", name);
    byId("source-pick").hidden = videos.length < 2;
    select.addEventListener("change", () => this.choose(select.value));
  }

  choose(kind) {
    this.kind = kind;
    this.playable = false;
    this.setBoxes(kind !== "annotated"); // the annotated video has them drawn in
    const found = this.state.facts.videos.find((video) => video.kind === kind);
    this.video.hidden = !found;
    this.still.hidden = true;
    if (found) this.video.src = found.url;
    else {
      this.note("There is no video to play. The timeline still works.");
      this.arrived(this.state.time);
    }
  }

  async cannotPlay() {
    this.playable = false;
    const url = this.state.facts.videos.find((video) => video.kind === this.kind)?.url;
    const answer = await fetch(url, { headers: { Range: "bytes=0-0" } }).catch(() => null);
    this.video.hidden = true;
    if (!answer) this.note("No answer from the server. Is moodreel review still running?");
    else if (!answer.ok) this.note("The video no longer exists. The timeline still works.");
    else {
      this.note("This browser cannot play this video, so you see single frames instead. moodreel run --video h264 makes one it can play.");
      this.still.hidden = false;
    }
    this.arrived(this.state.time);
  }

  // Fetches boxes again: they were corrected.
  forget() {
    this.chunks = [];
    this.refresh();
  }

  note(text) {
    byId("screen-note").textContent = text;
    byId("screen-note").hidden = !text;
  }

  go(time) {
    this.state.at(time);
    if (this.playable) this.video.currentTime = time;
    else this.arrived(time);
  }

  toggle() {
    if (!this.playable) return;
    if (this.video.paused) this.video.play().catch(() => this.cannotPlay());
    else this.video.pause();
  }

  showPlaying() {
    const playing = !this.video.paused && !this.video.ended;
    byId("play").textContent = playing ? "❚❚" : "▶";
    byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    if (playing) this.follow();
    else this.arrived(this.video.currentTime);
  }

  // While the video plays, the playhead moves with every frame that is shown; the chart is not redrawn.
  follow() {
    const { video } = this;
    const next = (action) => (video.requestVideoFrameCallback
      ? video.requestVideoFrameCallback((_, { mediaTime }) => action(mediaTime + 5e-4)) // what is on the screen, not what is due
      : requestAnimationFrame(() => action(video.currentTime)));
    const tick = (time) => {
      if (video.paused || video.ended) return;
      this.state.at(time);
      this.state.reveal(time);
      this.refresh();
      next(tick);
    };
    next(tick);
  }

  async arrived(time) {
    if (!this.video.paused) return;
    this.state.at(time);
    const here = this.state.time;
    this.refresh();
    const found = await this.frameAt(here);
    if (!found || Math.abs(this.state.time - here) > 1e-3) return;
    this.refresh();
    if (!this.still.hidden) this.still.src = `${ROOT}/still/frame/${pathOf(this.state.name)}?frame=${found.frame}`;
  }

  refresh() {
    const found = this.held(this.state.time);
    byId("timecode").textContent = timecode(this.state.time, 1);
    byId("frame").textContent = found ? `frame ${found.frame}` : "";
    if (found) byId("save-still").href = `${ROOT}/still/frame/${pathOf(this.state.name)}?frame=${found.frame}`;
    this.draw();
    this.onFrame?.();
    if (found && found.chunk.first + found.chunk.faces.length - found.frame < 50) this.fetch({ frame: found.chunk.first + found.chunk.faces.length });
    if (!found) this.fetch({ time: this.state.time });
  }

  // {frame, time, next, faces, chunk} of the frame that is shown at a time; null while it is not loaded.
  held(time) {
    for (const chunk of this.chunks) {
      const { times, faces, first } = chunk;
      if (time < times[0] - 1e-4 || time >= times[times.length - 1] - 1e-4) continue;
      let low = 0, high = faces.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (times[middle] <= time + 1e-4) low = middle + 1; else high = middle;
      }
      const k = Math.max(0, low - 1);
      return { frame: first + k, time: times[k], next: times[k + 1], faces: faces[k], chunk };
    }
    return null;
  }

  async frameAt(time) {
    const found = this.held(time);
    if (found) return found;
    await this.fetch({ time });
    return this.held(time);
  }

  fetch(wanted) {
    if (wanted.frame >= this.state.facts.frames) return null;
    const key = JSON.stringify(wanted.frame === undefined ? { time: Math.round(wanted.time * 2) / 2 } : wanted);
    if (!this.requests.has(key)) {
      const request = fetchJson("frames", this.state.name, wanted).then((chunk) => {
        this.chunks = [chunk, ...this.chunks.filter((old) => old.first !== chunk.first)].slice(0, 24);
        this.showFrame();
      }).catch((error) => this.note(error.message)).finally(() => this.requests.delete(key));
      this.requests.set(key, request);
    }
    return this.requests.get(key);
  }

  showFrame() {
    const found = this.held(this.state.time);
    byId("frame").textContent = found ? `frame ${found.frame}` : "";
    this.draw();
    this.onFrame?.();
    this.labeller?.show();
  }

  async step(by) {
    if (this.playable) this.video.pause();
    const here = await this.frameAt(this.state.time);
    if (!here) return;
    if (by > 0) this.state.seekStart(here.next);
    else {
      const before = here.frame === 0 ? here : await this.frameAt(here.time - 1e-3);
      this.state.seekStart((before ?? here).time);
    }
  }

  // The annotated video has its boxes drawn in: none are laid over it but the plain ones of whoever labels.
  toggleBoxes() {
    if (this.kind === "annotated" && !this.labeller?.on) say("The annotated video has its boxes drawn in. Choose Original to switch them.");
    else this.setBoxes(!this.boxes);
  }

  setBoxes(on) {
    this.boxes = on && (this.kind !== "annotated" || Boolean(this.labeller?.on));
    byId("boxes-on").setAttribute("aria-pressed", this.boxes);
    this.draw();
  }

  draw() {
    drawBoxes(byId("boxes"), this);
  }

  // The smallest face under a point of the window; null where there is none.
  faceAt(x, y) {
    return faceUnder(byId("boxes"), this, x, y);
  }
}
