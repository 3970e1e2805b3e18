// Elements of a page, made and changed; what is as it should be is left alone, which is faster.

export function make(tag, { role, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (role) element.setAttribute("role", role);
  element.append(...children);
  return element;
}

/** Give an element so many children, keeping those that it has. */
export function fill(element, n, create) {
  while (element.children.length > n) element.lastChild.remove();
  while (element.children.length < n) element.append(create(element.children.length));
}

export function put(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}
