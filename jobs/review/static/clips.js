// Clips of moments: made by the server on request, then saved by the browser.
import { ROOT, byId, element, pathOf, say, timecode } from "./common.js";

export class Clips {
  constructor(state) {
    this.state = state;
    this.pick();
    state.on("corrected", () => this.pick());
  }

  // Only what there is can be chosen.
  pick() {
    const has = (kind) => this.state.facts.videos.some((video) => video.kind === kind);
    const plain = has("original") || has("copy");
    byId("clip-pick").hidden = !(plain && has("annotated"));
    if (!plain && has("annotated")) byId("clip-kind").value = "1";
  }

  // A button that saves a clip of a moment, with a second either side; none where nothing can be cut.
  button({ start, end }) {
    if (!this.state.facts.videos.length) return "";
    return element("button", {
      type: "button", class: "clip", title: "Save a clip, with a second either side", "aria-label": `Save a clip of ${timecode(start, 1)}`,
      onclick: (event) => this.save(start, end, event.currentTarget),
    }, "Clip");
  }

  async save(start, end, button) {
    button.disabled = true;
    say("Making the clip …");
    try {
      const query = new URLSearchParams({ from: start, to: end, annotated: byId("clip-kind").value });
      const answer = await fetch(`${ROOT}/api/clip/${pathOf(this.state.name)}?${query}`);
      if (!answer.ok) {
        const { title, message } = await answer.json().catch(() => ({ title: "No answer", message: `status ${answer.status}` }));
        throw new Error(`${title}: ${message}`);
      }
      const url = URL.createObjectURL(await answer.blob());
      element("a", { href: url, download: nameIn(answer.headers.get("Content-Disposition")) }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
      const notes = answer.headers.get("X-Moodreel-Notes");
      say(notes ? `Saved. ${decodeURIComponent(notes)}` : "Saved.");
    } catch (error) {
      say(error.message);
    } finally {
      button.disabled = false;
    }
  }
}

// The name of the file that the server proposes: filename*=UTF-8''NAME, filename="NAME" or filename=NAME.
function nameIn(header) {
  const long = /filename\*=UTF-8''([^;]+)/i.exec(header ?? "");
  if (long) return decodeURIComponent(long[1]);
  return /filename="?([^";]+)"?/i.exec(header ?? "")?.[1] ?? "clip.mp4";
}
