// The question's form: Ctrl+Enter sends it, and it says that something happens while a model is loaded.
const form = document.getElementById("ask");
const note = document.getElementById("sending");
const send = document.getElementById("send");

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
form.addEventListener("submit", () => {
  note.hidden = false;
  send.disabled = true;
});
addEventListener("pageshow", () => { // back from the trace, out of the browser's cache
  note.hidden = true;
  send.disabled = false;
});
