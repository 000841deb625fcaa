// Corrections, with --edit: not a face, another label, whose face; scenes merged, split, named. Each can be undone.
import { LABELS, byId, element, fetchJson, postJson, say } from "./common.js";

export class Corrector {
  constructor(state, player) {
    Object.assign(this, { state, player, corrections: [], turn: Promise.resolve() });
    state.corrector = this;
    byId("correct-undo").addEventListener("click", () => this.undo());
    this.ready = fetchJson("corrections", state.name).then((found) => this.hold(found)).catch((error) => this.tell(error));
  }

  hold({ revision, corrections }) {
    this.state.revision = revision;
    this.corrections = corrections;
    byId("corrections-count").textContent = corrections.length;
    byId("correct-undo").disabled = !corrections.length;
    byId("corrections").replaceChildren(...corrections.map((one) => element("li", {},
      element("span", {}, one.words, element("span", { class: "muted" }, ` · ${one.by}`)),
      element("button", { type: "button", "aria-label": `Undo: ${one.words}`, onclick: () => this.send({ undo: one.id }) }, "Undo"))).reverse());
  }

  tell(error) { byId("corrections-note").textContent = error.message; say(error.message); }

  undo() {
    const last = this.corrections.at(-1);
    if (last) this.send({ undo: last.id });
  }

  // One change after the other, each with what the page has seen; after a conflict the page shows what the other window did.
  send(body) {
    this.turn = this.turn.then(async () => {
      await this.ready;
      try {
        this.hold(await postJson("corrections", this.state.name, { ...body, revision: this.state.revision }));
        say(body.undo ? "Undone" : "Corrected");
      } catch (error) {
        this.tell(error);
        await fetchJson("corrections", this.state.name).then((found) => this.hold(found)).catch(() => {});
      }
      await this.refresh();
    });
    return this.turn;
  }

  async refresh() {
    const { state } = this;
    Object.assign(state.facts, await fetchJson("movie", state.name).catch(() => ({})));
    this.player.forget();
    state.emit("corrected");
    await this.renew([".title > p", ".about .shares", ".about .words"]);
  }

  // What the server itself wrote of the whole movie.
  async renew(selectors) {
    const answer = await fetch(location.pathname).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const selector of selectors) {
      const now = fresh.querySelector(selector);
      if (now) document.querySelector(selector)?.replaceWith(now);
    }
  }

  ask(title, value, then) {
    const dialog = byId("ask"), input = byId("ask-name");
    byId("ask-title").textContent = title;
    input.value = value;
    dialog.returnValue = "";
    dialog.onclose = () => { if (dialog.returnValue === "ok") then(input.value.trim()); };
    dialog.showModal();
    input.select();
  }

  // A menu that acts when something is chosen, and then shows its title again.
  menu(title, groups, act) {
    const select = element("select", { "aria-label": title, onchange: () => { const { value } = select; select.value = ""; act(value); } },
      new Option(`${title} …`, ""));
    for (const [label, options] of groups) {
      const entries = options.map(([value, text]) => new Option(text, value));
      if (label) select.append(element("optgroup", { label }, ...entries)); else select.append(...entries);
    }
    return select;
  }

  faceControls(track, frame) {
    const about = { faces: [track], frame };
    const { people } = this.state;
    const labels = LABELS.map((name) => [name, name]);
    const others = (people?.list ?? []).filter((one) => one.person !== people.of.get(track));
    return [
      element("button", { type: "button", onclick: () => this.send({ kind: "reject", ...about }) }, "Not a face"),
      this.menu("Wrong label", [["this moment", labels.map(([name, text]) => [`1 ${name}`, text])], ["the whole face", labels.map(([name, text]) => [`0 ${name}`, text])]],
        (value) => value && this.send({ kind: "label", ...about, text: value.slice(2), moment: value[0] === "1" })),
      this.menu("Person", [["", [["name", "name …"], ["new", "someone else"], ...others.map((one) => [String(one.track), people.called(one.person)])]]], (value) => {
        if (value === "name") this.ask("Name of the person", "", (text) => this.send({ kind: "name_person", ...about, text }));
        else if (value === "new") this.send({ kind: "person", ...about });
        else if (value) this.send({ kind: "person", ...about, other: Number(value) });
      }),
    ];
  }

  personControls(one, list) {
    const about = { faces: [one.track] };
    const others = list.filter((other) => other !== one).map((other) => [String(other.track), this.state.people.called(other.person)]);
    return [
      element("button", { type: "button", onclick: () => this.ask("Name of the person", one.name, (text) => this.send({ kind: "name_person", ...about, text })) }, "Name"),
      others.length ? this.menu("Same as", [["", others]], (value) => value && this.send({ kind: "merge_people", ...about, other: Number(value) })) : "",
    ];
  }

  sceneControls(scene) {
    const here = () => this.player.held(this.state.time)?.frame;
    return element("span", { class: "scene-tools" },
      element("button", { type: "button", onclick: () => this.ask(`Name of scene ${scene.scene + 1}`, scene.name, (text) => this.send({ kind: "name_scene", frame: scene.first_frame, text })) }, "Name"),
      scene.scene ? element("button", { type: "button", onclick: () => this.send({ kind: "merge_scenes", frame: scene.first_frame }) }, "Merge with previous") : "",
      element("button", { type: "button", title: "at the frame on screen", onclick: () => {
        const frame = here();
        if (frame > scene.first_frame && frame <= scene.last_frame) this.send({ kind: "split_scene", frame });
        else say("First go to the frame where the new scene starts.");
      } }, "Split here"));
  }
}
