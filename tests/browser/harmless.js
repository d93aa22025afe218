() => {
  const bad = [];
  if (window.ran) bad.push(`${window.ran} scripts ran`);
  for (const it of document.querySelectorAll("script, iframe, object, embed, base, link, meta[http-equiv], img"))
    if (!/^\/static\//.test(it.getAttribute("src") ?? it.getAttribute("href") ?? "")) bad.push(it.outerHTML);
  for (const it of document.querySelectorAll("*"))
    for (const { name, value } of it.attributes)
      if (name.startsWith("on") || /^\s*(javascript|data|file|https?):/i.test(value)) bad.push(`${name}=${value}`);
  return bad;
}
