// The last minute as stacked areas: mean probabilities of the faces, with gaps where there was no face.
export class RollingChart {
  constructor(canvas, emotions) {
    this.canvas = canvas;
    this.emotions = emotions;
    this.points = [];
    this.steps = 240;
    this.describedAt = -Infinity;
  }

  add({ seconds, step, points }) {
    this.steps = Math.round(seconds / step);
    if (points.length === 0) return;
    this.points.push(...points);
    const oldest = this.points.at(-1)[0] - this.steps;
    this.points = this.points.filter(([number]) => number > oldest);
    this.draw();
    this.describe();
  }

  // In words, for screen readers; not with every point, or they would never be quiet.
  describe() {
    if (performance.now() - this.describedAt < 5000) return;
    this.describedAt = performance.now();
    const seen = this.points.filter(([, mean]) => mean).map(([, mean]) => mean);
    const shares = this.emotions.map((name, k) => [seen.reduce((sum, mean) => sum + mean[k], 0) / seen.length, name]);
    const words = shares.sort((a, b) => b[0] - a[0]).slice(0, 3).map(([share, name]) => `${name} ${Math.round(100 * share)}%`);
    const covered = Math.round(100 * seen.length / Math.max(1, this.points.length));
    this.canvas.setAttribute("aria-label", seen.length
      ? `Last minute: a face in ${covered}% of the time; on average ${words.join(", ")}` : "No face in the last minute");
  }

  draw() {
    const { canvas, emotions } = this;
    const width = canvas.clientWidth, height = canvas.clientHeight, ratio = devicePixelRatio || 1;
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = colour("page");
    pen.fillRect(0, 0, width, height);
    this.grid(pen, width, height, colour("line"));
    const x = (number) => width - (this.points.at(-1)[0] - number) * width / (this.steps - 1);
    for (const run of this.runs()) {
      let floor = run.map(() => 0);
      emotions.forEach((name, k) => {
        const top = run.map(([, mean], i) => floor[i] + mean[k]);
        this.area(pen, run.map(([number]) => x(number)), floor, top, height, colour(name), colour(`${name}-edge`));
        floor = top;
      });
    }
  }

  grid(pen, width, height, line) {
    pen.fillStyle = line;
    for (const quarter of [1, 2, 3]) {
      pen.fillRect(Math.round(width * quarter / 4), 0, 1, height);
      pen.fillRect(0, Math.round(height * quarter / 4), width, 1);
    }
  }

  // Runs of consecutive points with faces; a single point is doubled, to have a width.
  runs() {
    const runs = [];
    let before = null;
    for (const point of this.points) {
      if (point[1]) {
        if (before?.[1] && before[0] === point[0] - 1) runs.at(-1).push(point);
        else runs.push([point]);
      }
      before = point;
    }
    return runs.map((run) => (run.length > 1 ? run : [[run[0][0] - 0.5, run[0][1]], run[0]]));
  }

  area(pen, xs, floor, top, height, fill, edge) {
    const y = (share) => height - Math.min(1, share) * height;
    pen.beginPath();
    xs.forEach((x, i) => pen.lineTo(x, y(top[i])));
    for (let i = xs.length - 1; i >= 0; i -= 1) pen.lineTo(xs[i], y(floor[i]));
    pen.closePath();
    pen.fillStyle = fill;
    pen.fill();
    pen.beginPath();
    xs.forEach((x, i) => pen.lineTo(x, y(top[i])));
    pen.strokeStyle = edge;
    pen.lineWidth = 1;
    pen.stroke();
  }
}
