// Fit: every choice gets a slider, and the plan follows it. Without this script the form is sent as a whole.
import { show } from "./grow.js";

const form = document.getElementById("fit");
const refused = document.getElementById("refused");
const places = { plan: document.getElementById("plan"), chart: document.getElementById("chart") };
const selects = [...form.querySelectorAll(".slide select")];
const touched = new Set(new URLSearchParams(location.search).keys()); // what was chosen by hand stays
let running = null;
let resting = 0;

document.getElementById("show").hidden = true;

// ---- sliders: each drives the select that it stands beside, so both say the same

for (const select of selects) {
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = 0;
  slider.setAttribute("aria-label", select.closest("label").querySelector(".label").textContent);
  slider.addEventListener("input", () => {
    select.selectedIndex = slider.value;
    spoken(select, slider);
    touched.add(select.name);
    ask();
  });
  select.closest("label").after(slider);
  select.slider = slider;
  match(select);
}

function match(select) {
  select.slider.max = select.options.length - 1;
  select.slider.value = select.selectedIndex;
  select.slider.disabled = select.options.length < 2;
  spoken(select, select.slider);
}

function spoken(select, slider) {
  slider.setAttribute("aria-valuetext", select.selectedOptions[0]?.textContent ?? "");
}

function fill(select, choices, chosen) {
  if (choices) select.replaceChildren(...choices.map(([value, words]) => new Option(words, value)));
  select.value = chosen;
  if (select.slider) match(select);
}

// ---- asking: the plan at once, the picture when nothing moves

function query() {
  const data = new URLSearchParams(new FormData(form));
  for (const name of ["model", "quant", "ctx"]) if (!touched.has(name)) data.delete(name);
  if (data.get("machine") !== "other") for (const name of ["gpu", "count", "ram", "ram_bandwidth", "cores"]) data.delete(name);
  for (const [name, value] of [...data]) if (value === "") data.delete(name);
  return data;
}

async function part(name, data, signal) {
  const answer = await fetch(`/fit/${name}?${data}`, { signal });
  if (answer.headers.get("content-type")?.startsWith("application/json")) return answer.json();
  throw new TypeError("no plan");
}

async function ask({ whole = false } = {}) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  const data = query();
  clearTimeout(resting);
  try {
    const found = await part("plan", data, signal);
    if (signal.aborted) return;
    tell(found.refused);
    if (found.refused) return;
    show(places.plan, found.plan);
    for (const select of selects) fill(select, found.choices[select.name], found.values[select.name]);
    form.elements.model.value = found.values.model;
    history.replaceState(null, "", `/fit?${data}`);
    resting = setTimeout(async () => {
      const rest = await part("chart", data, signal).catch(() => ({}));
      if (!signal.aborted && rest.chart) show(places.chart, rest.chart);
    }, whole ? 0 : 180);
  } catch (error) {
    if (error.name !== "AbortError") tell("The server does not answer. Is ponder still running?");
  }
}

function tell(sentence = "") {
  refused.textContent = sentence;
  refused.hidden = !sentence;
}

// ---- what starts a question

form.addEventListener("change", (event) => {
  const { name, slider } = event.target;
  if (event.target.type === "range") return;
  touched.add(name);
  if (name === "model") for (const each of ["quant", "ctx"]) touched.delete(each); // another model, other sizes
  if (name === "model" && !event.target.value) touched.delete("model");
  if (slider) match(event.target);
  if (form.elements.machine.value === "other" && !form.elements.gpu.value && !form.elements.ram.value) return; // still to be named
  ask({ whole: true });
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask({ whole: true });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-plan]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const wanted = new URL(link.getAttribute("href"), location.href).searchParams;
  form.elements.model.value = wanted.get("model");
  for (const name of ["model", "quant", "ctx"]) touched.add(name);
  for (const select of selects) {
    const value = wanted.get(select.name);
    if (value === null) continue;
    if (![...select.options].some((option) => option.value === value)) select.add(new Option(value, value));
    select.value = value;
  }
  ask({ whole: true });
  places.plan.scrollIntoView({ block: "nearest" });
});
