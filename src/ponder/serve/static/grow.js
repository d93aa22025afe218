// New content into the old elements: what stays the same stays in place, so bars move instead of jumping,
// and focus and opened details are kept.
export function show(place, html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  grow(place, fresh.content);
}

function grow(old, fresh) {
  const next = [...fresh.childNodes];
  next.forEach((node, at) => {
    const there = old.childNodes[at];
    if (!there) old.append(node);
    else if (there.nodeName !== node.nodeName) there.replaceWith(node);
    else if (node.nodeType !== Node.ELEMENT_NODE) there.nodeValue = node.nodeValue;
    else {
      for (const { name } of [...there.attributes]) if (!node.hasAttribute(name) && name !== "open") there.removeAttribute(name);
      for (const { name, value } of node.attributes) if (there.getAttribute(name) !== value) there.setAttribute(name, value);
      grow(there, node);
    }
  });
  while (old.childNodes.length > next.length) old.lastChild.remove();
}
