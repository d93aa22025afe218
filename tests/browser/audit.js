() => {
  const faults = [];
  const shown = (it) => it.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const tell = (what, it) => faults.push(`${what}: ${it.outerHTML.replace(/\s+/g, " ").slice(0, 140)}`);

  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title) faults.push("no title");
  if (document.querySelectorAll("main").length !== 1) faults.push("not one main");
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");

  let level = 0;
  for (const it of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const own = Number(it.tagName[1]);
    if (shown(it) && !it.closest(".prose") && own > level + 1 && level) tell("a heading leaves a level out", it);
    if (shown(it)) level = own;
  }

  const ids = [...document.querySelectorAll("[id]")].map((it) => it.id);
  for (const id of new Set(ids)) if (ids.filter((each) => each === id).length > 1) faults.push(`id twice: ${id}`);
  for (const it of document.querySelectorAll("[aria-labelledby], [aria-describedby], [aria-controls], label[for]"))
    for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for"])
      for (const id of (it.getAttribute(name) ?? "").split(/\s+/).filter(Boolean))
        if (!document.getElementById(id)) tell(`${name} names nothing`, it);

  const named = (it) => (
    it.getAttribute("aria-label") || it.getAttribute("title") || it.textContent.trim() ||
    [...(it.labels ?? [])].map((label) => label.textContent.trim()).join("") ||
    (it.getAttribute("aria-labelledby") ?? "").split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join("").trim()
  );
  for (const it of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=img], [role=meter], [role=progressbar], nav, aside")) {
    const field = it.matches("input, select, textarea");
    if (!shown(it)) continue;
    if (field ? !(it.getAttribute("aria-label") || it.labels?.length || it.getAttribute("aria-labelledby")) : !named(it)) tell("no name", it);
  }
  for (const it of document.querySelectorAll("svg")) if (!it.closest("[aria-hidden=true]") && !(/^(img|group)$/.test(it.getAttribute("role")) && it.getAttribute("aria-label"))) tell("a drawing neither hidden nor named", it);
  for (const it of document.querySelectorAll("[tabindex]")) if (it.tabIndex > 0) tell("an order of its own", it);
  for (const it of document.querySelectorAll("th")) if (!it.hasAttribute("scope") && !it.closest(".prose")) tell("a head without scope", it);
  for (const it of document.querySelectorAll("a a, a button, button a, button button, label label")) tell("one inside another", it);

  // Contrast (WCAG 2: 4.5, or 3 for large text), of every text node against what lies behind it.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (it) => {
    const layers = [];
    for (let at = it; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reduceRight((below, top) => over(top, below), rgba(getComputedStyle(document.documentElement).colorScheme.includes("dark") && !layers.some((l) => l[3] === 1) ? "#121212" : "#fff"));
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const it = walker.currentNode.parentElement;
    if (seen.has(it) || !walker.currentNode.data.trim() || !shown(it) || it.closest("svg, noscript, [disabled], option, script")) continue;
    seen.add(it);
    const box = it.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const style = getComputedStyle(it);
    const back = behind(it);
    let front = rgba(style.color);
    for (let at = it; at; at = at.parentElement) front[3] *= Number(getComputedStyle(at).opacity);
    front = over(front, back);
    const [more, less] = [light(front), light(back)].sort((a, b) => b - a);
    const ratio = (more + 0.05) / (less + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) tell(`contrast ${ratio.toFixed(2)}`, it);
  }
  return faults;
}
