// Library: downloads are watched while they come. Without this script the page reloads itself meanwhile.
import { show } from "./grow.js";

const EVERY_MS = 700;
const place = document.getElementById("downloads");

async function look() {
  let found = { active: true };
  try {
    const answer = await fetch("/library/pulls");
    if (!answer.ok) return;
    found = await answer.json();
    show(place, found.html);
  } catch { /* the server may be starting again: ask once more */ }
  if (found.active) setTimeout(look, EVERY_MS);
  else location.reload(); // what has come is on the shelf now
}

if (place.dataset.active) setTimeout(look, EVERY_MS);
