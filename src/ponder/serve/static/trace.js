// The trace page: steps open in place, roles filter, keys move. Without this script every step is a link.
// Of a long trace the rows of a group come when it is opened, or when something is looked for in it.
const trace = document.querySelector(".trace");
const id = trace.dataset.trace;
const outline = document.querySelector(".outline");
const aside = document.getElementById("detail");
const wide = matchMedia("(min-width: 112rem)");
let open = null;

const folds = [...document.querySelectorAll(".fold")];
const KINDS = { "✗": "v-wrong", "↺": "v-wrong-then-fixed", "✓": "v-ok" };
const coming = new Map();
let marks = {};

async function rowsInto(folds, first, last) {
  const answer = await fetch(`/traces/${id}/rows?first=${first}&last=${last}`).catch(() => null);
  if (!answer?.ok) throw new Error("the rows did not come");
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  const all = [...fresh.content.querySelectorAll(".row")];
  for (const fold of folds) {
    const { first, last } = numbers(fold);
    const list = fold.querySelector("ol");
    if (!("late" in list.dataset)) continue;
    delete list.dataset.late;
    list.replaceChildren(...all.filter((row) => Number(row.id.slice(1)) >= first && Number(row.id.slice(1)) <= last));
    for (const row of list.children) mark(row);
  }
}

const numbers = (fold) => ({ first: Number(fold.dataset.first), last: Number(fold.dataset.last) });
const late = (fold) => "late" in fold.querySelector("ol").dataset;

// The rows of a group, or of all; several wishes at once are one request.
function fill(fold) {
  if (!late(fold)) return Promise.resolve();
  const { first, last } = numbers(fold);
  if (!coming.has(fold)) coming.set(fold, rowsInto([fold], first, last).finally(() => coming.delete(fold)));
  return coming.get(fold);
}
const fillAll = () => (folds.some(late) ? rowsInto(folds, 1, numbers(folds.at(-1)).last) : Promise.resolve());

outline?.addEventListener("toggle", (event) => {
  const fold = event.target.closest?.(".fold");
  if (fold?.open) fill(fold).catch(() => {});
}, true);

async function rowOf(number) {
  const fold = folds.find((each) => numbers(each).first <= number && number <= numbers(each).last);
  if (fold) await fill(fold).catch(() => {});
  return document.getElementById(`s${number}`);
}

function mark(row) {
  const found = marks[row.id.slice(1)];
  if (found) put(row.querySelector("u"), found);
}

function put(cell, found) {
  cell.replaceChildren(...Object.entries(found).map(([sign, count]) => {
    const mark = document.createElement("span");
    mark.className = KINDS[sign];
    mark.textContent = sign + count;
    return mark;
  }));
}

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
  const here = document.activeElement.closest?.(".row, .fold") ?? open?.row;
  if (event.key === "j") move(here, 1);
  else if (event.key === "k") move(here, -1);
  else if (event.key === "c" && here?.matches(".row")) { event.preventDefault(); correct(here); }
});

// To the next row or the one before, into the group beside if need be.
async function move(here, by) {
  const fold = here?.closest(".fold") ?? null;
  if (!fold && folds.length === 0 && !here) return focusRow(rows()[0]);
  if (here?.matches(".row")) {
    const all = rows();
    const next = all[all.indexOf(here) + by];
    if (next && next.closest(".fold") === fold) return focusRow(next);
  }
  let to = here?.matches(".fold") && by > 0 ? here : folds[folds.indexOf(fold) + by];
  while (to?.hidden) to = folds[folds.indexOf(to) + by];
  if (!to) return;
  await fill(to).catch(() => {});
  focusRow(rows().filter((row) => to.contains(row)).at(by > 0 ? 0 : -1));
}

// ---- roles, folds, the map

const wanted = new Set();
document.querySelector(".legend")?.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  await fillAll().catch(() => {});
  if (button.dataset.folds) {
    for (const fold of folds) fold.open = button.dataset.folds === "open";
    return;
  }
  const { role } = button.dataset;
  if (!wanted.delete(role)) wanted.add(role);
  button.setAttribute("aria-pressed", String(wanted.has(role)));
  if (wanted.size) outline.dataset.only = ""; else delete outline.dataset.only;
  for (const row of outline.querySelectorAll(".row")) {
    if (wanted.has(row.dataset.role)) row.dataset.shown = ""; else delete row.dataset.shown;
  }
  for (const fold of folds) {
    const some = fold.querySelector(".row[data-shown]");
    fold.hidden = wanted.size > 0 && !some;
    if (wanted.size) fold.open = Boolean(some);
  }
});

const tokensOf = (row) => Number(row.querySelector("em").textContent.replaceAll(",", ""));

// The element that lies at `left` of the sizes, and what is left of it there.
function within(all, sizes, left) {
  const at = Math.max(0, sizes.findIndex((size) => (left -= size) <= 0));
  return [all[at], left + sizes[at]];
}

document.querySelector(".ribbon")?.addEventListener("click", async (event) => {
  const box = event.currentTarget.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  let [all, left, place] = [[...outline.querySelectorAll(".row")], 0, null];
  if (folds.length) {
    const sizes = folds.map((fold) => Number(fold.dataset.tokens));
    [place, left] = within(folds, sizes, share * sizes.reduce((sum, size) => sum + size, 0));
    await fill(place).catch(() => {});
    all = [...place.querySelectorAll(".row")];
  }
  const sizes = all.map(tokensOf);
  focusRow(within(all, sizes, place ? left : share * sizes.reduce((sum, size) => sum + size, 0))[0]);
});

document.querySelector(".side")?.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-step]");
  if (!link) return;
  event.preventDefault();
  const row = await rowOf(Number(link.dataset.step));
  focusRow(row);
  show(row);
});

// ---- claims of a long trace come after it

async function claims() {
  const answer = await fetch(`/traces/${id}/marks`);
  if (!answer.ok) return;
  const found = await answer.json();
  marks = found.steps;
  for (const row of outline.querySelectorAll(".row")) mark(row);
  for (const fold of folds) {
    const { first, last } = numbers(fold);
    const sums = {};
    for (const [number, signs] of Object.entries(marks)) {
      if (number < first || number > last) continue;
      for (const [sign, count] of Object.entries(signs)) if (sign !== "✓") sums[sign] = (sums[sign] ?? 0) + count;
    }
    put(fold.querySelector("summary u"), sums);
  }
  document.getElementById("claims").outerHTML = found.claims;
  document.getElementById("known").outerHTML = found.known;
  document.querySelector(".flags").outerHTML = found.flags;
  document.dispatchEvent(new CustomEvent("known", { detail: found }));
}
if (document.querySelector("#claims[data-late]")) claims();

const hash = /^#s(\d+)$/.exec(location.hash);
if (hash) focusRow(await rowOf(Number(hash[1])));
