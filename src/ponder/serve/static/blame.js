// The search for the first wrong step: it is watched while it goes on, and its rows are marked.
// Without this script the forms are sent as forms, and the page loads itself anew.
import { show } from "./grow.js";

const trace = document.querySelector(".trace");
const address = `/traces/${trace.dataset.trace}/blame`;
const place = document.getElementById("blame");
let source = null;

function put(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const section = fresh.content.querySelector("section");
  if ("running" in section.dataset) place.dataset.running = ""; else delete place.dataset.running;
  show(place, section.innerHTML);
}

function chips(found) {
  for (const old of document.querySelectorAll(".blamed")) if (!(old.closest(".row")?.id.slice(1) in found)) old.remove();
  for (const [number, words] of Object.entries(found)) {
    const cell = document.querySelector(`#s${number} > a > span`);
    if (!cell) continue;
    const mark = cell.querySelector(".blamed") ?? document.createElement("mark");
    mark.className = "blamed";
    mark.textContent = words;
    cell.prepend(mark);
  }
}

function watch() {
  source?.close();
  source = new EventSource(`${address}/events`);
  source.onmessage = (event) => {
    const data = JSON.parse(event.data);
    put(data.html);
    chips(data.chips);
    if (data.over) source.close();
  };
  source.onerror = async () => { // the server has forgotten it: what it found is kept
    if (source.readyState !== EventSource.CLOSED) return;
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) put((await answer.json()).html); else location.reload();
  };
}

async function send(form, path) {
  const answer = await fetch(path, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/json" } }).catch(() => null);
  if (answer?.ok) return answer.json();
  const text = answer ? new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main p")?.textContent : "";
  let alert = form.querySelector(".alert");
  if (!alert) {
    alert = document.createElement("p");
    alert.className = "alert";
    alert.setAttribute("role", "alert");
    form.append(alert);
  }
  alert.textContent = text || "That did not reach the server.";
  return null;
}

place?.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  const found = await send(form, form.getAttribute("action"));
  if (!found) return;
  put(found.html);
  if ("running" in place.dataset && (!source || source.readyState === EventSource.CLOSED)) watch();
});

let soon = 0;
place?.addEventListener("input", (event) => {
  const form = event.target.closest(".look-form");
  if (!form || !form.checkValidity()) return;
  clearTimeout(soon);
  soon = setTimeout(async () => {
    const answer = await fetch(`${address}/cost`, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    if (!answer?.ok) return;
    for (const [method, words] of Object.entries(await answer.json())) {
      const line = form.querySelector(`[data-cost="${method}"]`);
      if (line) line.textContent = words;
    }
  }, 250);
});

document.addEventListener("known", ({ detail }) => { // by claims, where they came after the page
  if (!place || "running" in place.dataset) return;
  put(detail.blame);
  chips(detail.chips);
});

if (place && "running" in place.dataset) watch();
