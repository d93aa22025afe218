// The one-time code stands after the address's `#`; it goes to the server once, and out of the address bar.
const code = location.hash.slice(1);
if (code) {
  history.replaceState(null, "", "/enter");
  document.getElementById("key").value = code;
  document.getElementById("enter").submit();
}
