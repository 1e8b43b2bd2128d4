// The activations of a network over its training: one layer at a time, an epoch at a time. The data are those of
// pnn.report.watched.replay: points x, and of every layer its curves and control points, an epoch each, the start first.
for (const place of document.querySelectorAll('[data-interactive="activations"]')) {
  const data = document.getElementById("activations");
  if (!data) continue; // No training of the page kept its activations.
  const { x, layers } = JSON.parse(data.textContent);
  const epochs = layers[0].curves.length - 1;
  const options = layers.map((_, layer) => `<option value="${layer}">${layer + 1}</option>`).join("");
  place.innerHTML =
    `<p><label>Layer <select>${options}</select></label>
    <label>Epoch <input type="range" style="width: 11rem; max-width: 40vw; vertical-align: middle" min="0" max="${epochs}" value="0"></label> <output></output></p>
    <svg class="figure" role="img"></svg>`;
  const [select, slider, said, svg] = ["select", "input", "output", "svg"].map((name) => place.querySelector(name));

  // All epochs of a layer have one scale, so that what moves is the curve. A letter has the size of the page's.
  function draw() {
    const { curves, points } = layers[select.value];
    const epoch = Number(slider.value);
    const [width, height, left, below] = [Math.min(place.clientWidth, 560), 320, 44, 48];
    const shown = [...curves.flat(), 0];
    const [low, high] = [Math.min(...shown), Math.max(...shown)];
    const first = x[0];
    const last = x[x.length - 1];
    const across = (value) => left + ((value - first) / (last - first)) * (width - left - 12);
    const up = (value) => height - below - ((value - low) / (high - low || 1)) * (height - below - 14);
    const line = (curve) => curve.map((y, i) => `${across(x[i]).toFixed(1)},${up(y).toFixed(1)}`).join(" ");
    const text = (at, y, anchor, label) => `<text x="${at}" y="${y}" text-anchor="${anchor}">${label}</text>`;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].find((one) => (high - low) / one <= 6) ?? high - low;
    const ticks = [];
    for (let tick = Math.ceil(low / step); tick * step <= high; tick++) ticks.push(Number((tick * step).toFixed(6)));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", `Activation of layer ${Number(select.value) + 1} after epoch ${epoch} of ${epochs}`);
    svg.innerHTML =
      `<path d="M${left} ${up(0)}H${width - 12}M${across(0)} 14V${height - below}" stroke="currentColor" opacity="0.3"/>` +
      ticks.map((tick) => text(left - 6, up(tick) + 5, "end", tick)).join("") +
      [-3, -2, -1, 0, 1, 2, 3].map((tick) => text(across(tick), height - 26, "middle", tick)).join("") +
      text(across(0), height - 6, "middle", "input") +
      `<polyline points="${line(curves[0])}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2 4" opacity="0.7"/>` +
      `<polyline class="now" points="${line(curves[epoch])}" fill="none" stroke="var(--pst-color-primary)" stroke-width="2.5"/>` +
      (points[epoch] ?? [])
        .filter(([at]) => first <= at && at <= last)
        .map(([at, y]) => `<circle cx="${across(at)}" cy="${up(y)}" r="6" fill="var(--pst-color-primary)"/>`)
        .join("");
    said.value = epoch ? `${epoch} of ${epochs}` : "the start";
  }

  select.addEventListener("input", draw);
  slider.addEventListener("input", draw);
  new ResizeObserver(draw).observe(place);
}
