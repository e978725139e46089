// What every part of the demonstration's pages needs: texts, elements, calls. Everything shown is built with textContent, so that
// nothing a visitor or the bot writes can become markup.

const texts = JSON.parse(document.documentElement.dataset.texts);
export const lang = document.documentElement.lang;
export const $ = (id) => document.getElementById(id);

/** A text with its places filled. */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

/** An element; `onclick` and its like are listeners, absent children are left out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((c) => c !== null && c !== undefined && c !== "" && c !== false));
  return made;
}

/** The same for SVG. */
export function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function trouble(text) {
  $("trouble").textContent = text ?? "";
  $("trouble").hidden = !text;
}

export const clockOf = (at) => new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(at));
export const dayOf = (at) => new Intl.DateTimeFormat(lang, { month: "long", day: "numeric", weekday: "short" }).format(new Date(at));

/** Called after everything that was done, so that what comes of it shows at once. */
let afterwards = () => {};
export function whenDone(look) {
  afterwards = look;
}

/** What the server told, or null; what went wrong is shown. */
export async function call(path, body, type = "application/json") {
  let answer;
  try {
    answer = await fetch(`/demo/api/${path}`, { method: "POST", headers: { "Content-Type": type }, body: type === "application/json" ? JSON.stringify(body) : body });
  } catch {
    trouble(t("trouble_server"));
    return null;
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) trouble(t("trouble_refused", { why: told.error ?? answer.status }));
  else if (told.webhook !== undefined && (told.webhook < 200 || told.webhook > 299)) trouble(t("trouble_webhook", { status: told.webhook }));
  else trouble("");
  afterwards();
  return answer.ok ? told : null;
}

/** The path of a link to a discussion's page, or null. The host is not looked at: the page is shown from where this one came. */
export function discussionPath(uri) {
  try {
    const url = new URL(uri, location.href);
    return /^\/d\/\d+/.test(url.pathname) ? url.pathname + url.search : null;
  } catch {
    return null;
  }
}
