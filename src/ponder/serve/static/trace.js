// The trace page: steps open in place, roles filter, keys move. Without this script every step is a link.
const trace = document.querySelector(".trace");
const id = trace.dataset.trace;
const outline = document.querySelector(".outline");
const aside = document.getElementById("detail");
const wide = matchMedia("(min-width: 112rem)");
let open = null;

const rows = () => [...outline.querySelectorAll(".row")].filter((row) => !outline.dataset.only || "shown" in row.dataset);

function shut() {
  if (!open) return;
  delete open.row.dataset.open;
  open.link.setAttribute("aria-expanded", "false");
  open.panel.remove();
  aside.hidden = true;
  open = null;
}

async function show(row, then = () => {}) {
  const link = row.querySelector("a");
  if (open?.row === row) return then(open.panel);
  shut();
  const panel = document.createElement("div");
  panel.className = "panel-here";
  open = { row, link, panel };
  row.dataset.open = "";
  link.setAttribute("aria-expanded", "true");
  if (row.closest("details")) row.closest("details").open = true;
  if (wide.matches) { aside.hidden = false; aside.replaceChildren(panel); } else row.append(panel);
  const answer = await fetch(`${link.getAttribute("href")}?part=1`);
  const html = await answer.text();
  if (open?.panel !== panel) return;
  panel.innerHTML = answer.ok ? html : "";
  if (!answer.ok) panel.textContent = "This step could not be loaded; reload the page.";
  then(panel);
}

function toggle(row) {
  if (open?.row === row) shut();
  else show(row);
}

function focusRow(row) {
  if (!row) return;
  if (row.closest("details")) row.closest("details").open = true;
  const link = row.querySelector("a");
  link.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function correct(row) {
  show(row, (panel) => {
    const form = panel.querySelector(".correct");
    if (!form) return;
    form.open = true;
    form.querySelector("textarea")?.focus();
    form.scrollIntoView({ block: "nearest" });
  });
}

outline?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = event.target.closest(".row > a:first-child");
  if (!link) return;
  event.preventDefault();
  toggle(link.parentElement);
});

outline?.addEventListener("correct", (event) => correct(event.target));

document.addEventListener("change", (event) => {
  if (event.target.name !== "kind") return;
  const form = event.target.form;
  const words = ["replace", "say", "note"].includes(event.target.value);
  const text = form.elements.text;
  text.disabled = !words;
  if (text.defaultValue === text.value && event.target.value !== "replace") text.value = "";
  else if (!text.value && event.target.value === "replace") text.value = text.defaultValue;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && open) {
    const { row } = open;
    shut();
    return focusRow(row);
  }
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey || !outline) return;
  const all = rows();
  const at = all.indexOf(document.activeElement.closest?.(".row") ?? open?.row);
  if (event.key === "j") focusRow(all[Math.min(at + 1, all.length - 1)]);
  else if (event.key === "k") focusRow(all[Math.max(at - 1, 0)]);
  else if (event.key === "c" && at >= 0) { event.preventDefault(); correct(all[at]); }
});

// ---- roles, folds, the map

const wanted = new Set();
document.querySelector(".legend")?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.folds) {
    for (const fold of outline.querySelectorAll(".fold")) fold.open = button.dataset.folds === "open";
    return;
  }
  const { role } = button.dataset;
  if (!wanted.delete(role)) wanted.add(role);
  button.setAttribute("aria-pressed", String(wanted.has(role)));
  if (wanted.size) outline.dataset.only = ""; else delete outline.dataset.only;
  for (const row of outline.querySelectorAll(".row")) {
    if (wanted.has(row.dataset.role)) row.dataset.shown = ""; else delete row.dataset.shown;
  }
  for (const fold of outline.querySelectorAll(".fold")) {
    const some = fold.querySelector(".row[data-shown]");
    fold.hidden = wanted.size > 0 && !some;
    if (wanted.size) fold.open = Boolean(some);
  }
});

document.querySelector(".ribbon")?.addEventListener("click", (event) => {
  const box = event.currentTarget.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  const all = [...outline.querySelectorAll(".row")];
  const sizes = all.map((row) => Number(row.querySelector("em").textContent.replaceAll(",", "")));
  let left = share * sizes.reduce((sum, size) => sum + size, 0);
  focusRow(all[Math.max(0, sizes.findIndex((size) => (left -= size) <= 0))]);
});

document.querySelector(".side")?.addEventListener("click", (event) => {
  const link = event.target.closest("[data-step]");
  if (!link) return;
  event.preventDefault();
  const row = document.getElementById(`s${link.dataset.step}`);
  focusRow(row);
  show(row);
});

// ---- claims of a long trace come after it

async function late() {
  const answer = await fetch(`/traces/${id}/marks`);
  if (!answer.ok) return;
  const { steps, claims } = await answer.json();
  const kinds = { "✗": "v-wrong", "↺": "v-wrong-then-fixed", "✓": "v-ok" };
  for (const [number, found] of Object.entries(steps)) {
    const cell = document.querySelector(`#s${number} > u`);
    cell?.replaceChildren(...Object.entries(found).map(([sign, count]) => {
      const mark = document.createElement("span");
      mark.className = kinds[sign];
      mark.textContent = sign + count;
      return mark;
    }));
  }
  document.getElementById("claims").outerHTML = claims;
}
if (document.querySelector("#claims[data-late]")) late();

const hash = /^#s(\d+)$/.exec(location.hash);
if (hash) focusRow(document.getElementById(`s${hash[1]}`));
