// The live page: asks five times a second what is going on, and shows it. The picture comes by itself.
import { RollingChart } from "./rolling_chart.js";

const EVERY_MS = 200;
const $ = (id) => document.getElementById(id);
const EMOTIONS = [...document.querySelectorAll("#bars .name")].map((name) => name.textContent);
const fills = [...document.querySelectorAll("#bars li")].map((row) => ({
  row, track: row.querySelector(".track"), fill: row.querySelector(".fill"), value: row.querySelector(".value"),
}));
const percent = (share) => `${Math.round(100 * share)} %`;

// What each state is called, how its badge looks, and what lies over the picture ("" for nothing).
const STATES = {
  loading: ["getting ready", "waiting", "Getting ready"],
  connecting: ["connecting", "waiting", "Connecting"],
  live: ["live", "live", ""],
  lost: ["source lost", "lost", "Source lost"],
  reconnecting: ["reconnecting", "waiting", "Reconnecting"],
  ended: ["ended", "ended", "The end"],
  stopped: ["stopped", "ended", "Stopped"],
  gone: ["no answer", "lost", "moodreel does not answer"],
};

const rollingChart = new RollingChart($("minute"), EMOTIONS);
let newest = -1;
let paused = false;
let attached = true;  // whether moodreel answers
let crowded = false;  // whether all seats are taken: then single pictures are fetched

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;  // a live region speaks only of changes
}

function showState(name, detail, faces) {
  const [words, look, title] = STATES[name];
  put($("state-name"), name === "live" && faces === 0 ? "live, no face" : words);
  $("state").className = `badge ${look}`;
  $("veil").hidden = title === "";
  put($("veil-title"), title);
  put($("veil-detail"), detail);
}

function showBars(faces) {
  const mean = EMOTIONS.map((_, k) => faces.reduce((sum, face) => sum + face.probabilities[k], 0) / faces.length);
  const top = faces.length ? mean.indexOf(Math.max(...mean)) : -1;
  fills.forEach(({ row, track, fill, value }, k) => {
    const share = faces.length ? mean[k] : 0;
    fill.style.width = `${100 * share}%`;
    track.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    put(value, faces.length ? percent(share) : "–");
    row.classList.toggle("most", k === top);
  });
}

function showFaces(faces) {
  put($("who"), faces.length === 0 ? "no face" : faces.length === 1 ? "one face" : `mean of ${faces.length} faces`);
  $("no-faces").hidden = faces.length > 0;
  const list = $("faces");
  while (list.children.length > faces.length) list.lastChild.remove();
  faces.forEach((face, k) => {
    if (!list.children[k]) {
      const row = document.createElement("li");
      row.innerHTML = '<span class="id num"></span><span class="label"><span></span><span></span></span><span class="num"></span>';
      row.append(sharesBar());
      list.append(row);
    }
    const [id, label, confidence, bar] = list.children[k].children;
    fillShares(bar, face.probabilities);
    put(id, `#${face.track}`);
    label.children[0].className = `swatch e-${face.emotion}`;
    put(label.children[1], face.emotion);
    put(confidence, percent(face.confidence));
  });
}

const SVG = "http://www.w3.org/2000/svg";

function sharesBar() {
  const bar = document.createElementNS(SVG, "svg");
  bar.setAttribute("class", "shares");
  bar.setAttribute("viewBox", "0 0 1000 10");
  bar.setAttribute("preserveAspectRatio", "none");
  bar.setAttribute("aria-hidden", "true");  // the label beside it says what matters
  for (const emotion of EMOTIONS) {
    const part = document.createElementNS(SVG, "rect");
    part.setAttribute("class", `e-${emotion}`);
    part.setAttribute("height", "10");
    bar.append(part);
  }
  return bar;
}

function fillShares(bar, shares) {
  let x = 0;
  shares.forEach((share, k) => {
    bar.children[k].setAttribute("x", String(1000 * x));
    bar.children[k].setAttribute("width", String(1000 * share));
    x += share;
  });
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function show(told) {
  const playing = told.state === "live";
  const faces = told.state === "live" || told.state === "ended" ? told.faces : [];
  showState(told.state, told.detail, told.faces.length);
  showBars(faces);
  showFaces(faces);
  put($("rate"), playing ? told.rate.toFixed(1) : "–");
  put($("source-rate"), playing ? told.source_rate.toFixed(1) : "–");
  put($("delay"), playing ? String(told.delay_ms) : "–");
  put($("viewers"), String(told.viewers));
  if (told.recording) {
    put($("recorded"), told.recording.remark || `recording ${clock(told.recording.seconds)}`);
    if (told.state === "ended" && !told.recording.remark) put($("recorded"), `recorded ${clock(told.recording.seconds)}`);
  }
  for (const [number] of told.history.points) newest = Math.max(newest, number);
  rollingChart.add(told.history);
}

let pictured = -1, picturedAt = 0;

async function ask() {
  try {
    const answer = await fetch(`/events?after=${newest}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    if (!attached) {  // moodreel was away and is back, perhaps with another session
      location.reload();
      return;
    }
    show(told);
    if (crowded && !paused && told.number !== pictured && performance.now() > picturedAt + 1000) {
      [pictured, picturedAt] = [told.number, performance.now()];
      $("picture").src = `/frame.jpg?${told.number}`;
    }
  } catch {
    attached = false;
    showState("gone", "It was ended, or the connection is lost. This page comes back when it does.", 0);
  }
  setTimeout(ask, attached ? EVERY_MS : 2000);
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  put($("pause"), paused ? "Go on" : "Pause picture");
  crowded = false;  // it may have become emptier
  $("picture").src = `${paused ? "/frame.jpg" : "/video_feed"}?${Date.now()}`;
});

$("picture").addEventListener("error", () => { crowded = true; });
document.addEventListener("themechange", () => rollingChart.draw());
new ResizeObserver(() => rollingChart.draw()).observe($("minute"));
ask();
