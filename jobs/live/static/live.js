// The live page: fetches the status of the session five times a second and shows it. The picture is a stream of its own.
import { RollingChart } from "./rolling_chart.js";

const ROOT = document.documentElement.dataset.root;
const EVERY_MS = 200;
const $ = (id) => document.getElementById(id);
const EMOTIONS = [...document.querySelectorAll("#bars .name")].map((name) => name.textContent);
const fills = [...document.querySelectorAll("#bars li")].map((row) => ({
  row, track: row.querySelector(".track"), fill: row.querySelector(".fill"), value: row.querySelector(".value"),
}));
const percent = (share) => `${Math.round(100 * share)}%`;

// For each state: its words, the class of its badge, and the title over the picture ("" for none).
const STATES = {
  loading: ["getting ready", "waiting", "Getting ready"],
  connecting: ["connecting", "waiting", "Connecting"],
  live: ["live", "live", ""],
  lost: ["source lost", "lost", "Source lost"],
  reconnecting: ["reconnecting", "waiting", "Reconnecting"],
  ended: ["ended", "ended", "Ended"],
  stopped: ["stopped", "ended", "Stopped"],
  gone: ["no answer", "lost", "moodreel does not answer"],
};

const rollingChart = new RollingChart($("minute"), EMOTIONS);
let newestStep = -1;  // of the history
let paused = false;
let attached = true;  // whether moodreel answers
let crowded = false;  // whether all seats are taken: then single pictures are fetched instead

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;  // a live region announces every change, even to the same text
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
  bar.setAttribute("aria-hidden", "true");  // the label beside it says the same
  for (const emotion of EMOTIONS) {
    const segment = document.createElementNS(SVG, "rect");
    segment.setAttribute("class", `e-${emotion}`);
    segment.setAttribute("height", "10");
    bar.append(segment);
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

function minutes(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function show(status) {
  const playing = status.state === "live";
  const faces = status.state === "live" || status.state === "ended" ? status.faces : [];
  showState(status.state, status.detail, status.faces.length);
  showBars(faces);
  showFaces(faces);
  put($("rate"), playing ? status.rate.toFixed(1) : "–");
  put($("source-rate"), playing ? status.source_rate.toFixed(1) : "–");
  put($("delay"), playing ? String(status.delay_ms) : "–");
  put($("viewers"), String(status.viewers));
  if (status.recording) {
    put($("recorded"), status.recording.remark || `recording ${minutes(status.recording.seconds)}`);
    if (status.state === "ended" && !status.recording.remark) put($("recorded"), `recorded ${minutes(status.recording.seconds)}`);
  }
  for (const [number] of status.history.points) newestStep = Math.max(newestStep, number);
  rollingChart.add(status.history);
}

let fetchedNumber = -1, fetchedAt = 0;  // of the last single picture

async function poll() {
  try {
    const answer = await fetch(`${ROOT}/events?after=${newestStep}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const status = await answer.json();
    if (!attached) {  // moodreel answers again, perhaps with another session
      location.reload();
      return;
    }
    show(status);
    if (crowded && !paused && status.number !== fetchedNumber && performance.now() > fetchedAt + 1000) {
      [fetchedNumber, fetchedAt] = [status.number, performance.now()];
      $("picture").src = `${ROOT}/frame.jpg?${status.number}`;
    }
  } catch {
    attached = false;
    showState("gone", "It has ended, or the connection is lost. This page reloads when it answers again.", 0);
  }
  setTimeout(poll, attached ? EVERY_MS : 2000);
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  put($("pause"), paused ? "Resume picture" : "Pause picture");
  crowded = false;  // a seat may be free by now
  $("picture").src = `${ROOT}${paused ? "/frame.jpg" : "/video_feed"}?${Date.now()}`;
});

$("picture").addEventListener("error", () => { crowded = true; });
document.addEventListener("themechange", () => rollingChart.draw());
new ResizeObserver(() => rollingChart.draw()).observe($("minute"));
poll();
