// Draws the chart with Plotly, which the reports of a folder share, or which this file holds compressed.
"use strict";
(async () => {
  const plot = document.getElementById("plot");
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const data = read("data"), palette = read("palette");
  const names = Object.keys(palette);
  const say = (text) => { plot.replaceChildren(Object.assign(document.createElement("p"), { className: "waiting muted", textContent: text })); };

  async function unpack() {
    const packed = document.getElementById("plotly");
    if (!packed) {
      if (!window.Plotly) throw new Error("_assets/plotly.min.js is missing from the results folder; moodreel report --standalone makes reports that need no other file");
      return;
    }
    const bytes = Uint8Array.from(atob(packed.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const edge = (name) => css(`--${name}-edge`);
  let paper = 0; // width of the chart on paper in px, while it is printed
  const narrow = () => (paper || plot.clientWidth) < 600;

  // Times on an axis of dates. Plotly does not take every number as one: not a bar's base, not 0 in an outline.
  const date = (ms) => new Date(ms).toISOString().slice(0, -1);

  // An outline for each interval in which an emotion occurs at all: stacked areas would draw lines where there is nothing.
  function shares() {
    const bins = data.shares[0].length;
    const at = (k) => date(data.start + (k * (data.end - data.start)) / bins);
    const floor = new Array(bins).fill(0);
    const areas = names.map((name, e) => {
      const x = [], y = [];
      for (let k = 0; k < bins; k++) {
        if (!data.shares[e][k]) continue;
        let last = k;
        while (last + 1 < bins && data.shares[e][last + 1]) last++;
        const up = [], down = [];
        for (let i = k; i <= last; i++) {
          const top = floor[i] + data.shares[e][i] / 10;
          up.push([at(i), top], [at(i + 1), top]);
          down.unshift([at(i + 1), floor[i]], [at(i), floor[i]]);
          floor[i] = top;
        }
        for (const [px, py] of [...up, ...down, up[0]]) { x.push(px); y.push(py); }
        x.push(null);
        y.push(null);
        k = last;
      }
      return {
        type: "scatter", mode: "lines", name, x, y, yaxis: "y", fill: "toself", fillcolor: palette[name], hoverinfo: "skip",
        line: { width: bins > 500 ? 0.5 : 1, color: edge(name), simplify: false }, visible: x.length > 0,
      };
    });
    const middle = Array.from({ length: bins }, (_, k) => at(k + 0.5));
    return [...areas, {
      type: "scatter", mode: "lines", x: middle, y: floor, yaxis: "y", line: { width: 0 }, hovertext: middle.map((_, k) => sharesInWords(k)),
      hovertemplate: "%{hovertext}<extra></extra>",
    }];
  }

  function sharesInWords(k) {
    const sum = names.reduce((whole, _, e) => whole + data.shares[e][k], 0);
    const parts = names.map((name, e) => [data.shares[e][k] / (sum || 1), name]).filter(([share]) => share >= 0.005);
    return parts.sort((p, q) => q[0] - p[0]).map(([share, name]) => `${name} ${Math.round(100 * share)}%`).join("<br>") || "no face";
  }

  function bars(rows, yaxis, hover) {
    return names.map((name, e) => {
      const mine = rows.filter((row) => row.emotion === e);
      return {
        type: "bar", orientation: "h", name, yaxis, base: mine.map((row) => date(row.start)), x: mine.map((row) => row.end - row.start),
        y: mine.map((row) => row.y), width: mine.map(() => 0.82), marker: { color: palette[name], opacity: mine.map((row) => (row.percent < 50 ? 0.2 + 0.008 * row.percent : 1)), line: { color: edge(name), width: rows.length > 300 ? 0 : 1 } },
        hovertext: mine.map(hover), hoverinfo: "text", visible: mine.length > 0,
      };
    });
  }

  function traces() {
    const runs = data.runs.map(([track, y, start, end, emotion, percent]) => ({ track, y, start, end, emotion, percent }));
    const scenes = data.scenes.map(([start, end, name, seen, words], k) => (
      { k, y: 0, start, end: start + ((end - start) * seen) / 100, emotion: names.indexOf(name), words }));
    const tracks = data.tracks.map(([track, y, start, end, emotion]) => ({ track, y, start, end, emotion }));
    return [
      ...shares(),
      ...bars(scenes, "y2", (row) => `scene ${row.k + 1}: ${row.words}`),
      ...bars(tracks, "y3", (row) => `face #${row.track}: mostly ${names[row.emotion]}`),
      ...bars(runs, "y3", (row) => `face #${row.track}: ${names[row.emotion]} ${row.percent}%`),
    ];
  }

  function layout() {
    const lanes = Math.max(1, data.lanes);
    const heights = { shares: narrow() ? 170 : 240, scenes: 22, lanes: Math.min(300, 22 * lanes), gap: 14 };
    const inner = heights.shares + heights.scenes + heights.lanes + 2 * heights.gap;
    const below = heights.lanes / inner, scenes = (heights.lanes + heights.gap) / inner;
    const grid = css("--line"), muted = css("--muted");
    const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, tickfont: { color: muted, size: 12 }, fixedrange: true };
    const cuts = data.scenes.length * 8 < plot.clientWidth ? data.scenes.slice(1) : [];
    return {
      ...(paper ? { width: paper, autosize: false } : { autosize: true }),
      height: inner + 38, margin: { l: narrow() ? 54 : 62, r: 22, t: 10, b: 28 }, barmode: "overlay", bargap: 0, showlegend: false,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: getComputedStyle(document.body).fontFamily, color: css("--text") },
      hovermode: narrow() ? "closest" : "x unified", hoverlabel: { bgcolor: css("--raised"), bordercolor: css("--strong-line"), font: { color: css("--text"), size: 13 } },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      xaxis: {
        ...axis, fixedrange: false, type: "date", range: [date(data.start), date(data.end)], anchor: "y3", nticks: narrow() ? 5 : 12,
        tickformat: data.end >= 3600000 ? "%-H:%M:%S" : "%-M:%S", hoverformat: data.end >= 3600000 ? "%-H:%M:%S" : "%-M:%S.%2f",
      },
      yaxis: { ...axis, domain: [(heights.lanes + heights.scenes + 2 * heights.gap) / inner, 1], range: [0, 100], tickvals: [0, 50, 100], ticktext: ["0", "50%", "100%"] },
      yaxis2: { ...axis, domain: [scenes, scenes + heights.scenes / inner], range: [-0.5, 0.5], tickvals: [0], ticktext: ["scenes"], showgrid: false, zeroline: false },
      yaxis3: { ...axis, domain: [0, below], range: [lanes - 0.5, -0.5], tickvals: [0], ticktext: ["faces"], showgrid: false, zeroline: false },
      shapes: cuts.map(([start]) => ({ type: "line", x0: date(start), x1: date(start), yref: "y domain", y0: 0, y1: 1, line: { color: css("--text"), width: 1, dash: "dot" }, opacity: 0.5 })),
    };
  }

  const draw = () => window.Plotly.react(plot, traces(), layout(), {
    responsive: true, displaylogo: false, displayModeBar: false, doubleClick: "reset",
  });

  try {
    await unpack();
    plot.replaceChildren();
    await draw();
    plot.dataset.ready = "1";
  } catch (error) {
    say(`The chart cannot be drawn: ${error.message}. It takes a browser from 2023 or later. The table below has the same figures.`);
    return;
  }
  document.addEventListener("themechange", draw);

  // Paper is white, and narrower than most windows: a chart as wide as the window would be cut off.
  const root = document.documentElement;
  let theme;
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    paper = 660;
    draw();
  });
  addEventListener("afterprint", () => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    paper = 0;
    draw();
  });
  let width = plot.clientWidth;
  addEventListener("resize", () => { if (plot.clientWidth !== width) { width = plot.clientWidth; draw(); } });
})();
