"use strict";
// The charts of a page: drawn when they come near the screen, all on one time axis; rows of tables lead to them.

// Plotly shows times given as numbers in the zone of the reader; here every time is UTC.
Date.prototype.getTimezoneOffset = () => 0;

const PAPER = 690; // width of charts on paper, pixels
const CROWD = 80; // marks in view from which on they are small
const BEYOND = 0.4; // how far other lines may lead a price axis beyond the prices, of their range
const NUMBERS = { f8: Float64Array, f4: Float32Array, i4: Int32Array, i2: Int16Array, i1: Int8Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
const GLYPHS = { x: "✕", "triangle-up": "▲", "triangle-down": "▼", "circle-open": "○", "square-open": "□", "diamond-open": "◇", star: "★", "star-open": "☆" };

const facts = JSON.parse(document.getElementById("page-data").textContent);
const span = facts.span; // of all bars, ms; pages of sweeps have none
const charts = [...document.querySelectorAll(".chart")].map((box) => ({
  box,
  plot: box.querySelector(".plot"),
  selects: [...box.querySelectorAll("select")],
  onTime: box.hasAttribute("data-time"),
  drawn: false,
}));
const held = {}; // decoded arrays by name
let view = null; // what is zoomed to, [start, end] in ms; null for everything

// --- numbers ---------------------------------------------------------------------------------------------------

function decoded(text, dtype) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new NUMBERS[dtype](bytes.buffer);
}

// Return an array that stands in JSON as its name or its bytes; whatever else as it is.
function numbers(value) {
  if (!value || !value.dtype || value.shape) return value;
  if (!value.array) return decoded(value.bdata, value.dtype);
  held[value.array] ??= decoded(document.getElementById(value.array).textContent, value.dtype);
  return held[value.array];
}

const stamp = (ms) => new Date(ms).toISOString().slice(0, 23).replace("T", " ");
const told = (ms) => stamp(ms).slice(0, 16);
const parsed = (text) => (typeof text === "number" ? text : Date.parse(text.replace(" ", "T") + (text.length > 10 ? "Z" : "")));

// Return the first position in a rising array whose value is at least `value`.
function position(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// --- drawing ---------------------------------------------------------------------------------------------------

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const readable = (font) => ({ ...font, size: Math.max(font?.size ?? 12, 11) });
const narrow = matchMedia("(max-width: 640px)");

const isAxis = (name) => /^[xy]axis\d*$/.test(name);

function paint(chart) {
  const { layout } = chart;
  layout.font.color = colour("--muted");
  for (const [name, axis] of Object.entries(layout)) {
    if (isAxis(name)) Object.assign(axis, { gridcolor: colour("--grid"), zerolinecolor: colour("--grid"), linecolor: colour("--grid") });
  }
  Plotly.react(chart.plot, chart.data, layout, { displayModeBar: false, responsive: true, doubleClick: false, showTips: false });
}

// Read the figure that is chosen, with a place for candles among prices.
function read(chart) {
  const key = chart.selects.map((select) => select.value).join("|");
  const source = [...chart.box.querySelectorAll("script")].find((script) => script.dataset.key === key);
  Object.assign(chart, JSON.parse(source.textContent, (_, value) => numbers(value)), { off: new Set() }); // off: what the reader has switched off
  const bars = chart.box.id === "chart-price" && facts.candles[key || Object.keys(facts.candles)[0]];
  chart.bars = bars && Object.fromEntries(Object.entries(bars).map(([name, values]) => [name, numbers(values)]));
  if (chart.bars) {
    const look = (line) => ({ line: { color: line, width: 1 }, fillcolor: line });
    chart.candles = { type: "candlestick", name: "Bar", visible: false, increasing: look("#0d9488"), decreasing: look("#d97706"), meta: { role: "candles" } };
    chart.data.unshift(chart.candles);
  }
  for (const trace of chart.data.filter(({ type }) => type === "heatmap")) {
    if (trace.meta?.role !== "months" && chart.plot.clientWidth / trace.x.length < 60) delete trace.texttemplate; // no room for words
    trace.textfont = readable(trace.textfont);
  }
  chart.box.querySelector(".chart > .caption").textContent = source.dataset.caption;
}

// Fit the layout of a figure to the page.
function adapt(chart) {
  const { layout } = chart;
  Object.assign(layout, { showlegend: false, separators: ".\u202f", height: Number(chart.box.dataset.height), autosize: true });
  delete layout.title;
  layout.margin = { l: narrow.matches ? 50 : 62, r: narrow.matches ? 6 : 12, t: 8, b: chart.onTime ? 42 : 8, pad: 2 };
  layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom"; // a finger scrolls the page
  for (const [name, axis] of Object.entries(layout).filter(([name]) => isAxis(name))) {
    if (chart.onTime) Object.assign(axis, { automargin: false, title: undefined });
    if (name.startsWith("y")) axis.fixedrange = true;
    axis.tickfont = readable(axis.tickfont);
  }
  if (chart.onTime) layout.xaxis.rangeslider = { visible: false };
  const months = narrow.matches && chart.box.id === "chart-months" ? chart.data[0].x : undefined; // by their first letters
  if (months) Object.assign(layout.xaxis, { tickvals: months, ticktext: months.map((name) => name[0]) });
  chart.home = Object.fromEntries(Object.entries(layout).filter(([name]) => /^yaxis/.test(name)).map(([name, axis]) => [name, axis.range]));
}

function draw(chart) {
  const first = !chart.drawn;
  chart.drawn = true;
  read(chart);
  adapt(chart);
  writeLegend(chart);
  if (chart.onTime) fit(chart);
  else paint(chart);
  if (!first) return;
  chart.plot.on("plotly_doubleclick", () => (chart.onTime ? show(null) : Plotly.relayout(chart.plot, { "xaxis.autorange": true })));
  chart.plot.on("plotly_relayout", (change) => {
    const start = change["xaxis.range[0]"];
    if (chart.onTime && start !== undefined) show([parsed(start), parsed(change["xaxis.range[1]"])]);
  });
}

function writeLegend(chart) {
  const legend = chart.box.querySelector(".legend");
  const shown = chart.data.filter((trace) => trace.name && trace.showlegend !== false && trace.showscale === undefined && trace.meta?.role !== "candles");
  legend.replaceChildren(...(shown.length > 1 ? shown : []).map((trace) => {
    const button = document.createElement("button");
    const mark = document.createElement("i");
    const line = trace.line ?? {};
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    if (trace.mode === "markers") Object.assign(mark, { textContent: GLYPHS[trace.marker.symbol] ?? "●" }).style.color = trace.marker.color;
    else if (trace.fill === "tonexty") mark.style.cssText = `height: 9px; background: ${trace.fillcolor}`;
    else mark.style.borderTop = `2px ${line.dash === "dash" ? "dashed" : line.dash === "dot" ? "dotted" : "solid"} ${line.color}`;
    button.append(mark, trace.name);
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") === "false";
      button.setAttribute("aria-pressed", on);
      for (const other of chart.data) if (other === trace || (trace.legendgroup && other.legendgroup === trace.legendgroup)) {
        other.visible = on;
        chart.off[on ? "delete" : "add"](other);
      }
      chart.onTime ? fit(chart) : paint(chart);
    });
    return button;
  }));
}

// --- zooming ---------------------------------------------------------------------------------------------------

// Zoom every chart to [start, end] in ms, or to everything; charts that are drawn later follow.
function show(wanted) {
  if (!span) return;
  const least = 2 * facts.interval;
  view = wanted && [Math.max(wanted[0], span[0]), Math.min(wanted[1], span[1])];
  if (view && view[1] - view[0] < least) view = [(view[0] + view[1] - least) / 2, (view[0] + view[1] + least) / 2];
  for (const chart of charts) if (chart.drawn && chart.onTime) fit(chart);
  for (const bar of document.querySelectorAll(".toolbar")) bar.hidden = !view && !bar.querySelector(".stepper");
  document.getElementById("reset").hidden = !view;
  document.getElementById("view").textContent = view ? `${told(view[0])} to ${told(view[1])}` : "";
}

// Show the view in a chart, and as much of its y axes as is visible in it.
function fit(chart) {
  const { data, layout } = chart;
  chooseCandles(chart);
  for (const trace of data) if (trace.mode === "markers") trace.marker.size = sizeOf(trace);
  Object.assign(layout.xaxis, { range: (view ?? span).map(stamp), autorange: false });
  for (const [name, home] of Object.entries(chart.home)) {
    const own = data.filter((trace) => (trace.yaxis ?? "y").replace("y", "yaxis") === name && trace.visible !== false);
    const range = (view && extent(own)) ?? home;
    Object.assign(layout[name], { range, autorange: !range });
  }
  paint(chart);
}

// Return how large the marks of a trace are: smaller where there are many in view.
function sizeOf(trace) {
  const [start, end] = view ?? span;
  trace.meta.size ??= trace.marker.size;
  return position(trace.x, end) - position(trace.x, start) > CROWD ? trace.meta.size / 2 : trace.meta.size;
}

// Draw the true bars where few are in view, in the place of lines where there is one for all of it.
function chooseCandles(chart) {
  if (!chart.bars) return;
  const [start, end] = view ?? span;
  const [first, after] = [position(chart.bars.x, start), position(chart.bars.x, end)];
  const close = after > first && end - start <= (facts.close + 1) * facts.interval;
  for (const [name, values] of Object.entries(chart.bars)) chart.candles[name] = close ? values.slice(first, after) : [];
  chart.candles.visible = close;
  const stops = [start, ...chart.candles.x, end];
  const whole = close && stops.every((at, k) => k === 0 || at - stops[k - 1] <= 2 * facts.interval);
  for (const trace of chart.data) {
    if (["band_low", "band_high", "close"].includes(trace.meta?.role)) trace.visible = !whole && !chart.off.has(trace);
  }
}

// Return the range of what traces show in the view: of prices, and of what else is drawn as far as BEYOND it.
function extent(traces) {
  const ends = (some) => some.map(visible).reduce(([a, b], [c, d]) => [Math.min(a, c), Math.max(b, d)], [Infinity, -Infinity]);
  const prices = traces.filter((trace) => /^(band_|candles)/.test(trace.meta?.role));
  let [low, high] = ends(traces);
  if (prices.length) {
    const [lowest, highest] = ends(prices);
    const room = highest - lowest;
    if (room >= 0) [low, high] = [Math.max(low, lowest - BEYOND * room), Math.min(high, highest + BEYOND * room)];
  }
  if (!(low < high)) return null;
  const room = 0.06 * (high - low);
  return [low - room, high + room];
}

// Return the lowest and highest value of a trace in the view; where it has no point there, of the line through it.
function visible(trace) {
  const [lows, highs] = trace.type === "candlestick" ? [trace.low, trace.high] : [trace.y, trace.y];
  const first = position(trace.x, view[0]);
  const after = position(trace.x, view[1]);
  const isLine = trace.mode?.includes("lines");
  const held = isLine && (trace.line?.shape === "hv" || after <= first) ? 1 : 0;
  const ends = [Infinity, -Infinity];
  for (let k = Math.max(first - held, 0); k < after; k++) {
    if (lows[k] < ends[0]) ends[0] = lows[k];
    if (highs[k] > ends[1]) ends[1] = highs[k];
  }
  return ends;
}

// --- tables ----------------------------------------------------------------------------------------------------

function lead(row) {
  document.querySelector("tr.selected")?.classList.remove("selected");
  row.classList.add("selected");
  const price = charts.find((chart) => chart.box.id === "chart-price") ?? charts[0];
  const select = price.selects[0];
  const { symbol } = row.dataset;
  const there = select && [...select.options].some((option) => option.value === symbol);
  if (there && select.value !== symbol) {
    select.value = symbol;
    if (price.drawn) draw(price);
  }
  show([Number(row.dataset.from), Number(row.dataset.to)]);
  if (select && symbol && !there) document.getElementById("view").append(`; the prices of ${symbol} are not on this page`);
  count();
  document.getElementById("charts").scrollIntoView();
}

function sort(header) {
  const table = header.closest("table");
  const column = [...header.parentNode.children].indexOf(header);
  const order = header.getAttribute("aria-sort") === "descending" ? "ascending" : "descending";
  for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  const value = (row) => {
    const { key } = row.cells[column].dataset;
    return key === undefined ? row.cells[column].textContent : key === "" ? "" : Number(key);
  };
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows].map((row) => [value(row), row]);
  rows.sort(([a], [b]) => (a === "") - (b === "") || (a < b ? -sign : a > b ? sign : 0)); // what is missing comes last
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

const events = () => [...document.querySelectorAll("table.events tbody tr[data-from]")];

function step(by) {
  const rows = events();
  const at = rows.findIndex((row) => row.classList.contains("selected"));
  lead(rows[at < 0 ? 0 : (at + by + rows.length) % rows.length]);
}

function count() {
  const rows = events();
  const at = rows.findIndex((row) => row.classList.contains("selected"));
  const label = document.getElementById("step");
  const all = rows.length === 1 ? "1 liquidation" : `${rows.length} liquidations`;
  if (label) label.textContent = at < 0 ? all : `liquidation ${at + 1} of ${rows.length}`;
}

// --- the page --------------------------------------------------------------------------------------------------

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const chart = charts.find(({ plot }) => plot === entry.target);
    if (entry.isIntersecting && !chart.drawn) draw(chart);
  }
}, { rootMargin: "300px" });
if (typeof Plotly === "undefined") document.getElementById("charts").append("The charts need plotly.min.js beside this page.");
for (const chart of charts) {
  if (typeof Plotly !== "undefined") near.observe(chart.plot);
  for (const select of chart.selects) select.addEventListener("change", () => draw(chart));
}
for (const row of document.querySelectorAll("tr[data-from]")) {
  row.addEventListener("click", () => lead(row));
  row.addEventListener("keydown", (event) => event.key === "Enter" && lead(row));
}
for (const header of document.querySelectorAll("th")) header.querySelector("button").addEventListener("click", () => sort(header));
document.getElementById("previous")?.addEventListener("click", () => step(-1));
document.getElementById("next")?.addEventListener("click", () => step(1));
document.getElementById("reset")?.addEventListener("click", () => show(null));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts) if (chart.drawn) paint(chart);
});
narrow.addEventListener("change", () => charts.filter((chart) => chart.drawn).forEach(draw));
window.addEventListener("beforeprint", () => { // paper does not say how wide it is
  for (const chart of charts) {
    if (!chart.drawn) draw(chart);
    chart.layout.width = PAPER;
    paint(chart);
  }
});
window.addEventListener("afterprint", () => {
  for (const chart of charts) {
    delete chart.layout.width;
    paint(chart);
  }
});
show(null);
count();
