// A trace while it is written: rows come as the server rendered them, text as text, and a panel to steer with.
import { html, render } from "./vendor/preact-htm.js";

const trace = document.querySelector(".trace");
const id = trace.dataset.trace;
const rows = document.getElementById("rows");
const panel = document.getElementById("panel");
const answer = document.getElementById("answer");
const answers = document.getElementById("answers");
const now = { reasoning: document.getElementById("now-reasoning"), answer: document.getElementById("now-answer") };
const WORDS = {
  reading: "Reading the question", reasoning: "Reasoning", answering: "Answering", paused: "Paused", done: "Done", lost: "The connection is lost; trying again",
};

let state = JSON.parse(panel.dataset.state);
let lost = false;
let refused = "";
panel.replaceChildren();

// ---- the panel

async function wish(what) {
  const answer = await fetch(`/traces/${id}/do`, {
    method: "POST", body: new URLSearchParams({ do: what }), headers: { accept: "application/json" },
  }).catch(() => null);
  refused = answer?.ok ? "" : "That did not reach the server.";
  if (answer && !answer.ok) refused = await said(answer);
  draw();
}

async function said(answer) {
  const text = await answer.text();
  return new DOMParser().parseFromString(text, "text/html").querySelector("main p")?.textContent ?? "That cannot be done.";
}

function Meter({ value, most, label }) {
  const share = most ? Math.min(100, (100 * value) / most) : 0;
  return html`<div class="meter"><p class="meta"><span>${label}</span><span>${value.toLocaleString("en")}${most ? ` of ${most.toLocaleString("en")}` : ""} tokens</span></p>
    ${most > 0 && html`<svg class="budget moves" role="img" aria-label="${Math.round(share)} % of the budget"><rect class="rail" width="100%" height="8" /><rect width="${share}%" height="8" /></svg>`}</div>`;
}

function Panel() {
  const over = state.doing === "done";
  const paused = state.doing === "paused";
  const busy = state.doing === "reasoning" || paused;
  return html`<p class="doing" role="status"><span class="pulse" data-doing=${lost ? "lost" : state.doing}></span>${WORDS[lost ? "lost" : state.doing]}</p>
    <${Meter} value=${state.reasoning} most=${state.budget} label="reasoning" />
    <dl class="facts tight"><div><dt>tokens/s</dt><dd id="tps">${state.tps.toFixed(1)}</dd></div><div><dt>seconds</dt><dd>${state.seconds.toFixed(1)}</dd></div><div><dt>tokens</dt><dd>${state.tokens.toLocaleString("en")}</dd></div></dl>
    ${state.doing === "reading" && state.prompt && html`<${Meter} value=${state.prompt[0]} most=${state.prompt[1]} label="prompt" />`}
    <div class="actions stack">
      <button class=${paused ? "" : "quiet"} disabled=${over} onClick=${() => wish(paused ? "go_on" : "pause")}>${paused ? "Go on" : "Pause"} <kbd>p</kbd></button>
      <button class="quiet" disabled=${over} onClick=${correctLast}>Correct… <kbd>c</kbd></button>
      <button class="quiet" disabled=${!busy} onClick=${() => wish("answer_now")}>Answer now <kbd>a</kbd></button>
      ${state.more && html`<button class="quiet" disabled=${!busy} onClick=${() => wish("think_more")}>Think more <kbd>m</kbd></button>`}
      <button class="quiet" disabled=${over} onClick=${() => wish("stop")}>Stop <kbd>s</kbd></button>
    </div>
    ${paused && html`<p class="quiet-text">It waits at the end of a step. Open any step to correct it, or go on.</p>`}
    ${refused && html`<p class="alert" role="alert">${refused}</p>`}
    ${state.error && html`<p class="alert" role="alert">${state.error}</p>`}
    ${state.next && html`<p>A branch left here: <a href="/traces/${state.next}">${state.next}</a></p>`}
    ${state.notes.map((note) => html`<p class="quiet-text">${note}</p>`)}`;
}

const draw = () => render(html`<${Panel} />`, panel);

function correctLast() {
  const focused = document.activeElement.closest?.(".row") ?? rows.lastElementChild;
  focused?.dispatchEvent(new CustomEvent("correct", { bubbles: true }));
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const busy = state.doing === "reasoning" || state.doing === "paused";
  if (event.key === "p") wish(state.doing === "paused" ? "go_on" : "pause");
  else if (event.key === "a" && busy) wish("answer_now");
  else if (event.key === "m" && busy && state.more) wish("think_more");
  else if (event.key === "s") wish("stop");
  else if (event.key === "c" && !document.activeElement.closest(".row")) { event.preventDefault(); correctLast(); }
});

// ---- the stream

const nearEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - 120;

function take(data) {
  const follow = nearEnd() && !document.activeElement.closest("textarea");
  for (const step of data.steps ?? []) {
    if (step.part === "answer") answers.insertAdjacentHTML("beforeend", `<div>${step.html}</div>`);
    else if (!document.getElementById(`s${step.number}`)) rows.insertAdjacentHTML("beforeend", step.html);
  }
  if (data.tail) for (const part of ["reasoning", "answer"]) now[part].textContent = (data.tail[part] ?? "").trimStart();
  else for (const [part, text] of Object.entries(data.add ?? {})) now[part].append(now[part].textContent ? text : text.trimStart());
  if (now.answer.textContent || answers.children.length) answer.hidden = false;
  state = data.state;
  draw();
  if (follow) scrollTo(0, document.documentElement.scrollHeight);
}

function reload() {
  // Whoever is writing a correction at this moment finishes it first.
  if (document.activeElement.closest("textarea")) document.activeElement.addEventListener("blur", reload, { once: true });
  else location.reload();
}

const source = new EventSource(`/traces/${id}/events?after=${trace.dataset.after}`);
source.onmessage = (event) => {
  lost = false;
  take(JSON.parse(event.data));
  if (state.doing !== "done") return;
  source.close();
  setTimeout(() => {
    if (state.next) location.assign(`/traces/${state.next}`);
    else if (!state.error) reload();
  }, 150);
};
source.onopen = () => { lost = false; draw(); };
source.onerror = () => {
  if (source.readyState === EventSource.CLOSED) return reload(); // the server knows this run no longer: it is kept
  lost = true;
  draw();
};
draw();
