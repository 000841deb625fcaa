// The movie page: puts its parts together and handles the keyboard.
import { Address } from "./address.js";
import { byId, fetchJson } from "./common.js";
import { Corrector } from "./correct.js";
import { Finder } from "./find.js";
import { Labeller } from "./labels.js";
import { FaceList, SceneList } from "./lists.js";
import { MovieState } from "./movie_state.js";
import { Now } from "./now.js";
import { People } from "./people.js";
import { Player } from "./player.js";
import { Timeline } from "./timeline.js";

function listen(state, player, finder, timeline, labeller) {
  const keys = {
    " ": () => player.toggle(),
    ArrowLeft: () => player.step(-1),
    ArrowRight: () => player.step(1),
    ArrowUp: () => state.seekScene(-1),
    ArrowDown: () => state.seekScene(1),
    Home: () => state.seek(state.facts.start),
    End: () => state.seek(state.facts.end),
    "+": () => state.zoom(0.5),
    "=": () => state.zoom(0.5),
    "-": () => state.zoom(2),
    0: () => state.show(state.facts.start, state.facts.end),
    b: () => player.toggleBoxes(),
    p: () => timeline.setChart(state.chart === "labels" ? "probabilities" : "labels"),
  };
  for (let k = 1; k <= 7; k++) keys[k] = () => (labeller?.on ? labeller.give(k - 1) : finder.next(k - 1));
  if (labeller) {
    keys.l = () => labeller.set(!labeller.on);
    for (const k of [8, 9]) keys[k] = () => labeller.on && labeller.give(k - 1);
    keys.u = () => labeller.on && labeller.undo();
    keys.r = () => labeller.on && labeller.random();
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    if (event.target.closest("input, select, textarea")) return;
    if (event.key === " " && event.target.closest("button, a, summary")) return; // the key presses it
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

async function main() {
  const name = byId("movie").dataset.name;
  let facts;
  try {
    facts = await fetchJson("movie", name);
  } catch (error) {
    byId("chart-note").textContent = error.message;
    return;
  }
  const state = new MovieState(name, facts);
  const timeline = new Timeline(state);
  const player = new Player(state);
  if (byId("corrections")) new Corrector(state, player);
  new Now(state, player);
  const finder = new Finder(state);
  new People(state, finder);
  new Address(state, finder, timeline);
  new SceneList(state);
  new FaceList(state);
  const labeller = byId("label-mode") ? new Labeller(state, player) : null;
  listen(state, player, finder, timeline, labeller);
  for (const button of document.querySelectorAll("[data-next]")) {
    button.addEventListener("click", () => finder.next(Number(button.dataset.next)));
  }
  const help = byId("help");
  byId("help-open").addEventListener("click", () => help.showModal());
}

main();
