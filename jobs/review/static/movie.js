// The movie page: puts its parts together and listens to the keyboard.
import { ask } from "./common.js";
import { MovieState } from "./movie_state.js";
import { Finder } from "./find.js";
import { Faces, Scenes } from "./lists.js";
import { Player } from "./player.js";
import { Timeline } from "./timeline.js";

const byId = (id) => document.getElementById(id);

function listen(film, player, finder) {
  const keys = {
    " ": () => player.toggle(),
    ArrowLeft: () => player.step(-1),
    ArrowRight: () => player.step(1),
    ArrowUp: () => film.seekScene(-1),
    ArrowDown: () => film.seekScene(1),
    Home: () => film.seek(film.facts.start),
    End: () => film.seek(film.facts.end),
    "+": () => film.zoom(0.5),
    "=": () => film.zoom(0.5),
    "-": () => film.zoom(2),
    0: () => film.show(film.facts.start, film.facts.end),
    b: () => player.setBoxes(!player.boxes),
  };
  for (let k = 1; k <= 7; k++) keys[k] = () => finder.next(k - 1);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    if (event.target.closest("input, select, textarea")) return;
    if (event.key === " " && event.target.closest("button, a, summary")) return; // it presses that
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

async function begin() {
  const name = byId("movie").dataset.name;
  let facts;
  try {
    facts = await ask("movie", name);
  } catch (error) {
    byId("chart-note").textContent = error.message;
    return;
  }
  const film = new MovieState(name, facts);
  const timeline = new Timeline(film);
  timeline.fetch();
  const player = new Player(film);
  const finder = new Finder(film);
  new Scenes(film);
  new Faces(film);
  listen(film, player, finder);
  const help = byId("help");
  byId("help-open").addEventListener("click", () => help.showModal());
}

begin();
