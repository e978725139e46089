// The demonstration page: polls its state once a second and draws what changed. Everything shown is built with textContent, so
// that nothing a visitor or the bot writes can become markup.
"use strict";

const POLL_MS = 1000;
const POLL_AFTER_TROUBLE_MS = 3000;
const UPLOAD_BYTES_MAX = 10 * 1024 * 1024;
const LINES_SHOWN_MAX = 300;
/** Keyword, colour, eyes and mouth (paths in a 100 × 100 square) of the stickers; LINE's own may not be shown outside LINE. */
const STICKERS = [
  ["ok", "#8ed16f", "M34 44v8M66 44v8", "M34 62q16 14 32 0"],
  ["thanks", "#ffc861", "M28 50q6-8 12 0M60 50q6-8 12 0", "M40 63q10 8 20 0"],
  ["good", "#7cc4ea", "M34 44v8M66 44v8", "M34 60h32q-4 16-16 16t-16-16z"],
  ["laugh", "#ffa98f", "M28 44l10 6-10 6M72 44l-10 6 10 6", "M32 60h36q-4 18-18 18t-18-18z"],
  ["please", "#c9a7eb", "M30 46q4-5 8 0t-4 9zM62 46q4-5 8 0t-4 9z", "M42 66q8-6 16 0"],
  ["wait", "#b9c4c8", "M30 48h10M60 48h10", "M40 66h20"],
];
const TEXT_PX = { xxs: 11, xs: 12, sm: 13, md: 15, lg: 17, xl: 20, xxl: 26, "3xl": 31, "4xl": 40, "5xl": 52 };
const SPACE_PX = { none: 0, xs: 2, sm: 4, md: 8, lg: 12, xl: 16, xxl: 20 };
const CARD_PX = { nano: 130, micro: 170, deca: 220, hecto: 241, kilo: 260, mega: 300, giga: 380 };

const texts = JSON.parse(document.documentElement.dataset.texts);
const lang = document.documentElement.lang;
const $ = (id) => document.getElementById(id);
const read = new Set();
const lines = new Map();
let state = null, version = "", who = "", mode = null, mentioning = false, mailbox = "", opened = null, shownLink = "", pinned = false;
let seenLines = 0, seenDiscussions = 0, lastLine = null;

function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return made;
}
function trouble(text) {
  $("trouble").textContent = text ?? "";
  $("trouble").hidden = !text;
}
const clockOf = (at) => new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(at));
const dayOf = (at) => new Intl.DateTimeFormat(lang, { month: "long", day: "numeric", weekday: "short" }).format(new Date(at));
const nameOf = (user) => state.people.find((p) => p.user === user)?.name ?? state.names[user] ?? "？";

// ---- the server

async function call(path, body, type = "application/json") {
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
  return answer.ok ? told : null;
}

async function poll() {
  let pause = POLL_MS;
  try {
    const answer = await fetch(`/demo/api/state?since=${encodeURIComponent(version)}`, { cache: "no-store" });
    if (answer.status === 200) {
      state = await answer.json();
      version = state.version;
      draw();
    }
    if ($("trouble").textContent === t("trouble_server")) trouble("");
  } catch {
    trouble(t("trouble_server"));
    pause = POLL_AFTER_TROUBLE_MS;
  }
  setTimeout(poll, pause);
}

// ---- the LINE group

function kindWord(content) {
  return t({ image: "kind_image", video: "kind_video", audio: "kind_audio", file: "kind_file", sticker: "kind_sticker", location: "kind_location", flex: "kind_flex", template: "kind_flex" }[content.type] ?? "kind_other");
}
function inShort(content) {
  return content.text ?? content.altText ?? content.fileName ?? kindWord(content);
}
function speakerName(line) {
  return line.by === "bot" ? state.bot : line.user ? nameOf(line.user) : "？";
}
function avatar(line) {
  if (line.by === "bot") return el("span", { class: "avatar bot", "aria-hidden": "true" }, "牽");
  const place = state.people.findIndex((p) => p.user === line.user);
  return el("span", { class: `avatar c${place < 0 ? 4 : place % 5}`, "aria-hidden": "true" }, [...speakerName(line)][0]);
}

/** Text with its links made links and mentions of the bot marked. */
function rich(text) {
  const out = [];
  let rest = text;
  const marks = new RegExp(`https?://[^\\s<>"「」）)]+|@${state.bot.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`, "u");
  for (let found; (found = marks.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
    out.push(rest.slice(0, found.index));
    out.push(found[0].startsWith("@") ? el("span", { class: "at" }, found[0]) : link(found[0], found[0]));
  }
  out.push(rest);
  return out;
}
/** The path of a link to a discussion's page, or null. The host is not looked at: the page is shown from where this one came. */
function discussionPath(uri) {
  try {
    const url = new URL(uri, location.href);
    return /^\/d\/\d+/.test(url.pathname) ? url.pathname + url.search : null;
  } catch {
    return null;
  }
}
function link(uri, label) {
  const path = discussionPath(uri);
  const href = path ?? (/^(https?|tel):/i.test(uri) ? uri : "#");
  const made = el("a", { href, target: "_blank", rel: "noopener noreferrer" }, label);
  if (path) made.addEventListener("click", (event) => { event.preventDefault(); show(path, true); });
  return made;
}
function act(action) {
  if (!action) return;
  if (action.type === "uri") {
    const path = discussionPath(action.uri);
    if (path) show(path, true);
    else if (/^https?:/i.test(action.uri)) window.open(action.uri, "_blank", "noopener");
  } else if (action.type === "postback") call("tap", { who, data: action.data });
  else if (action.type === "message") call("say", { who, text: action.text });
}

function textOf(content) {
  if (content.type !== "textV2") return content.text ?? "";
  return content.text.replace(/\{\{|\}\}|\{(\w+)\}/g, (whole, key) => {
    if (whole === "{{") return "{";
    if (whole === "}}") return "}";
    const put = content.substitution?.[key];
    return put?.type === "mention" ? `@${put.mentionee?.type === "all" ? "All" : nameOf(put.mentionee?.userId)}` : "";
  });
}
function bodyOf(line) {
  const content = line.content;
  const quoted = line.quotes ? quotedOf(line.quotes) : null;
  switch (content.type) {
    case "text":
    case "textV2":
      return el("div", { class: "bubble" }, quoted, ...rich(textOf(content)));
    case "image":
      return line.file ? el("img", { class: "picture", src: line.file, alt: t("kind_image"), loading: "lazy" }) : el("div", { class: "bubble" }, link(content.originalContentUrl ?? "", t("kind_image")));
    case "sticker":
      return sticker(STICKERS.find(([keyword]) => content.keywords?.includes(keyword)) ?? STICKERS[0]);
    case "file":
    case "video":
    case "audio":
      return el("div", { class: "bubble" }, el("a", { class: "file", href: line.file, download: content.fileName ?? true }, el("span", {}, el("b", {}, content.fileName ?? kindWord(content)), el("small", {}, content.fileSize ? `${Math.max(1, Math.round(content.fileSize / 1024))} KB` : kindWord(content)))));
    case "location":
      return el("div", { class: "bubble" }, [content.title, content.address].filter(Boolean).join("\n"));
    case "flex":
      return flex(content);
    case "template":
      return template(content.template ?? {}, content.altText);
    default:
      return el("div", { class: "bubble" }, quoted, inShort(content));
  }
}
function sticker([keyword, color, eyes, mouth]) {
  const svg = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const drawing = svg("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" });
  drawing.append(svg("path", { d: "M50 12c28 0 42 17 42 42S76 94 50 94 8 79 8 54s14-42 42-42z", fill: color, stroke: "#fff", "stroke-width": "5" }),
    svg("path", { d: eyes, class: "ink" }), svg("path", { d: mouth, class: "ink", fill: mouth.endsWith("z") ? "#fff" : "none" }));
  return el("span", { class: "sticker" }, drawing, el("b", {}, t(`sticker_${keyword}`)));
}
function quotedOf(id) {
  const original = state.lines.find((l) => l.id === id);
  const words = !original ? "…" : original.retracted ? t("retracted", { name: speakerName(original) }) : `${speakerName(original)}：${inShort(original.content)}`;
  return el("button", { type: "button", class: "quoted", onclick: () => {
    const there = lines.get(id)?.node;
    there?.scrollIntoView({ block: "center" });
    there?.classList.add("flash");
    setTimeout(() => there?.classList.remove("flash"), 1300);
  } }, words);
}
function acts(line) {
  const buttons = [el("button", { type: "button", onclick: () => setMode({ quote: line.id }) }, t("quote"))];
  if (line.user && line.user === who) {
    if (line.content.type === "text") buttons.push(el("button", { type: "button", onclick: () => setMode({ edit: line.id }) }, t("edit")));
    buttons.push(el("button", { type: "button", onclick: () => call("unsend", { message: line.id }) }, t("unsend")));
  }
  return el("span", { class: "acts" }, ...buttons);
}
function drawLine(line) {
  if (line.by === "nobody") {
    const names = line.content.names.length ? line.content.names.join("、") : state.bot;
    const joined = line.content.note === "join" || line.content.note === "memberJoined";
    return el("p", { class: "said-by-nobody" }, t(joined ? "note_join" : "note_leave", { name: names }));
  }
  if (line.retracted) return el("p", { class: "said-by-nobody" }, t("retracted", { name: speakerName(line) }));
  const own = line.user && line.user === who;
  const name = el("p", { class: "name" }, speakerName(line), line.by === "bot" ? el("span", { class: "tag" }, t("bot_tag")) : "");
  const time = el("time", { datetime: new Date(line.at).toISOString() }, clockOf(line.at) + (line.edited ? ` ${t("edited")}` : ""));
  const body = bodyOf(line);
  const quick = (line.content.quickReply?.items ?? []).map((i) => el("button", { type: "button", onclick: () => act(i.action) }, i.action?.label ?? ""));
  const wide = body.classList.contains("cards");
  body.addEventListener("click", (event) => event.currentTarget.closest(".said").classList.toggle("chosen"));
  return el("div", { class: `said${own ? " own" : ""}${wide ? " wide" : ""}` }, own ? "" : avatar(line),
    el("div", { class: "body" }, name, el("div", { class: "row" }, body, el("span", {}, acts(line), time)), quick.length ? el("div", { class: "quick" }, ...quick) : ""));
}
function drawLog() {
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const shown = state.lines.slice(-LINES_SHOWN_MAX);
  const wanted = new Set();
  let day = "", before = null;
  const place = (key, sign, make) => {
    wanted.add(key);
    let known = lines.get(key);
    if (known?.sign !== sign) {
      const node = make();
      known?.node.replaceWith(node);
      known = { sign, node };
      lines.set(key, known);
    }
    const next = before ? before.nextSibling : log.firstChild;
    if (next !== known.node) log.insertBefore(known.node, next);
    before = known.node;
  };
  shown.forEach((line, index) => {
    if (dayOf(line.at) !== day) {
      day = dayOf(line.at);
      const words = day;
      place(`day ${words}`, words, () => el("p", { class: "day" }, words));
    }
    const quoted = line.quotes ? state.lines.find((l) => l.id === line.quotes) : null;
    place(line.id ?? `note ${line.at} ${index}`, JSON.stringify([line, who, quoted?.retracted]), () => drawLine(line));
  });
  for (const [key, known] of lines) {
    if (!wanted.has(key)) {
      known.node.remove();
      lines.delete(key);
    }
  }
  const newest = shown.at(-1);
  const isOwn = newest?.id !== lastLine && newest?.user === who;
  lastLine = newest?.id;
  if (atEnd || isOwn || !seenLines) log.scrollTop = log.scrollHeight;
}
function setMode(next) {
  mode = next;
  const line = next && state.lines.find((l) => l.id === (next.quote ?? next.edit));
  $("context").hidden = !line;
  if (line) {
    $("context-text").textContent = next.edit ? t("editing") : t("quoting", { name: speakerName(line), text: inShort(line.content) });
    if (next.edit) $("text").value = line.content.text;
    grow();
    $("text").focus();
  }
}
function grow() {
  const box = $("text");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, 120)}px`;
}
async function send(event) {
  event?.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  const told = mode?.edit ? await call("edit", { message: mode.edit, text }) : await call("say", { who, text, quote: mode?.quote ?? null, mention: mentioning });
  if (!told) return;
  $("text").value = "";
  setMode(null);
  setMention(false);
  grow();
}
function setMention(on) {
  mentioning = on;
  $("mention").setAttribute("aria-pressed", String(on));
}
async function upload(input, kind) {
  const file = input.files[0];
  input.value = "";
  if (!file) return;
  if (file.size > UPLOAD_BYTES_MAX) {
    trouble(t("too_large", { megabytes: UPLOAD_BYTES_MAX / 1024 / 1024 }));
    return;
  }
  const query = new URLSearchParams({ who, kind, name: file.name });
  await call(`upload?${query}`, file, file.type || "application/octet-stream");
}

// ---- Flex and template messages

function px(table, value, otherwise) {
  if (value === undefined) return otherwise;
  return table[value] ?? (/^-?\d+(\.\d+)?px$/.test(value) ? parseFloat(value) : otherwise);
}
function padding(node, box, base) {
  const all = px(SPACE_PX, box.paddingAll, base);
  node.style.padding = `${all}px`;
  for (const [key, side] of [["paddingTop", "Top"], ["paddingBottom", "Bottom"], ["paddingStart", "Left"], ["paddingEnd", "Right"]]) {
    const own = px(SPACE_PX, box[key], null);
    if (own !== null) node.style[`padding${side}`] = `${own}px`;
  }
}
function fxBox(box, base) {
  const node = el("div", { class: "fx-box" });
  const row = box.layout !== "vertical";
  node.style.flexDirection = row ? "row" : "column";
  if (box.layout === "baseline") node.style.alignItems = "baseline";
  else if (box.alignItems) node.style.alignItems = box.alignItems;
  if (box.justifyContent) node.style.justifyContent = box.justifyContent;
  if (box.backgroundColor) node.style.backgroundColor = box.backgroundColor;
  if (box.cornerRadius) node.style.borderRadius = `${px({ ...SPACE_PX, xs: 2, sm: 4, md: 8, lg: 12, xl: 18, xxl: 24 }, box.cornerRadius, 0)}px`;
  if (box.borderColor) node.style.border = `${px({ light: 0.5, normal: 1, medium: 2, semi_bold: 3, bold: 4 }, box.borderWidth, 1)}px solid ${box.borderColor}`;
  if (box.width) node.style.width = box.width;
  if (box.height) node.style.height = box.height;
  padding(node, box, base);
  (box.contents ?? []).forEach((part, index) => {
    const child = fx(part, row);
    if (!child) return;
    const share = part.flex ?? (row && part.type !== "icon" && part.type !== "separator" ? 1 : 0);
    child.style.flex = share > 0 ? `${share} 1 ${row ? "0" : "auto"}` : "0 0 auto";
    if (share === 0 && row) child.style.maxWidth = "100%";
    const gap = index ? px(SPACE_PX, part.margin, px(SPACE_PX, box.spacing, 0)) : px(SPACE_PX, part.margin, 0);
    child.style[row ? "marginLeft" : "marginTop"] = `${index || part.margin ? gap : 0}px`;
    node.append(child);
  });
  tappable(node, box.action);
  return node;
}
function tappable(node, action) {
  if (!action) return;
  node.setAttribute("role", "button");
  node.tabIndex = 0;
  node.style.cursor = "pointer";
  node.addEventListener("click", (event) => { event.stopPropagation(); act(action); });
  node.addEventListener("keydown", (event) => { if (event.key === "Enter") act(action); });
}
function fxText(part) {
  const node = el("p", { class: "fx-text" });
  const dress = (of, on) => {
    if (of.size) on.style.fontSize = `${px(TEXT_PX, of.size, 15)}px`;
    if (of.weight === "bold") on.style.fontWeight = "700";
    if (of.color) on.style.color = of.color;
    if (of.style === "italic") on.style.fontStyle = "italic";
    if (of.decoration && of.decoration !== "none") on.style.textDecoration = of.decoration;
  };
  dress({ size: "md", ...part }, node);
  if (part.align) node.style.textAlign = part.align;
  if (part.gravity) node.style.alignSelf = { top: "flex-start", center: "center", bottom: "flex-end" }[part.gravity] ?? "auto";
  if (part.wrap) {
    node.style.whiteSpace = "pre-wrap";
    if (part.maxLines) {
      node.style.display = "-webkit-box";
      node.style.webkitBoxOrient = "vertical";
      node.style.webkitLineClamp = part.maxLines;
      node.style.overflow = "hidden";
    }
  } else {
    node.style.whiteSpace = "nowrap";
    node.style.overflow = "hidden";
    node.style.textOverflow = "ellipsis";
  }
  if (part.contents?.length) {
    for (const span of part.contents) {
      const made = el("span", {}, span.text ?? "");
      dress(span, made);
      node.append(made);
    }
  } else node.textContent = part.text ?? "";
  tappable(node, part.action);
  return node;
}
function button(action, style, color) {
  const node = el("button", { type: "button", class: `fx-button ${style ?? "link"}`, onclick: () => act(action) }, action?.label ?? "");
  if (color) node.style[style === "primary" || style === "secondary" ? "backgroundColor" : "color"] = color;
  return node;
}
function fx(part, row) {
  switch (part.type) {
    case "box": return fxBox(part, 0);
    case "text": return fxText(part);
    case "button": {
      const node = button(part.action, part.style, part.color);
      if (part.height === "sm") node.style.minHeight = "34px";
      return node;
    }
    case "separator": {
      const node = el("span", { class: "fx-separator", role: "separator" });
      if (part.color) node.style.backgroundColor = part.color;
      return node;
    }
    case "image":
    case "icon": {
      const node = el("img", { class: "fx-image", src: part.url, alt: "" });
      if (part.type === "icon") node.style.width = node.style.height = `${px(TEXT_PX, part.size, 15)}px`;
      tappable(node, part.action);
      return node;
    }
    case "filler": return el("span", {});
    default: return row ? el("span", {}) : null;
  }
}
function card(bubble) {
  const node = el("div", { class: "bubble-card" });
  node.style.width = `${CARD_PX[bubble.size ?? "mega"] ?? 300}px`;
  for (const name of ["header", "hero", "body", "footer"]) {
    const block = bubble[name];
    if (!block) continue;
    const made = block.type === "box" ? fxBox(block, name === "footer" ? 10 : name === "hero" ? 0 : 16) : fx(block, false);
    if (!made) continue;
    const style = bubble.styles?.[name];
    if (style?.backgroundColor) made.style.backgroundColor = style.backgroundColor;
    if (style?.separator) made.style.borderTop = `1px solid ${style.separatorColor ?? "#d4d6da"}`;
    node.append(made);
  }
  tappable(node, bubble.action);
  return node;
}
function flex(message) {
  const bubbles = message.contents?.type === "carousel" ? (message.contents.contents ?? []) : [message.contents ?? {}];
  return el("div", { class: "cards", role: "group", "aria-label": message.altText }, ...bubbles.map(card));
}
function template(content, alt) {
  const columns = content.columns ?? [content];
  return el("div", { class: "cards", role: "group", "aria-label": alt }, ...columns.map((column) => {
    const body = { type: "box", layout: "vertical", spacing: "sm", contents: [] };
    if (column.title) body.contents.push({ type: "text", text: column.title, weight: "bold", wrap: true });
    if (column.text) body.contents.push({ type: "text", text: column.text, size: "sm", wrap: true });
    const footer = { type: "box", layout: "vertical", contents: (column.actions ?? []).map((action) => ({ type: "button", action })) };
    return card({ size: "kilo", body, footer });
  }));
}

// ---- mail

const mails = () => state.mails.filter((m) => (m.sent ? m.from.address === mailbox : m.to.includes(mailbox)));
const unread = () => state.mails.filter((m) => !m.sent && !read.has(m.id)).length;

function drawMailList() {
  const items = mails().map((m) => {
    const made = el("button", { type: "button", class: m.sent || read.has(m.id) ? "" : "unread", "aria-current": String(m.id === opened), onclick: () => openMail(m.id) },
      el("span", { class: "from" }, m.sent ? el("span", { class: "out" }, t("mail_sent")) : "", m.sent ? m.to.join(", ") : m.from.name || m.from.address),
      el("time", { datetime: new Date(m.at).toISOString() }, clockOf(m.at)),
      el("span", { class: "subject" }, m.subject || t("mail_no_subject")));
    return el("li", {}, made);
  });
  $("mail-list").replaceChildren(...items);
}
function openMail(id) {
  opened = id;
  read.add(id);
  drawMailList();
  drawBadges();
  const mail = state.mails.find((m) => m.id === id);
  if (!mail) return;
  const text = el("div", { class: "mail-text" }, ...rich(mail.text));
  const parts = [
    el("h3", {}, mail.subject || t("mail_no_subject")),
    el("p", { class: "mail-head" }, el("b", {}, mail.from.name || mail.from.address), ` <${mail.from.address}> → ${mail.to.join(", ")} · ${clockOf(mail.at)}`),
  ];
  let shown = text;
  if (mail.html) {
    const choose = (html) => {
      const frame = el("iframe", { class: "mail-html", sandbox: "", title: mail.subject, src: `/demo/api/mail/${encodeURIComponent(mail.id)}/html` });
      const next = html ? frame : text;
      shown.replaceWith(next);
      shown = next;
      buttons.forEach((b, index) => b.setAttribute("aria-pressed", String(index === (html ? 1 : 0))));
    };
    const buttons = [false, true].map((html) => el("button", { type: "button", "aria-pressed": String(!html), onclick: () => choose(html) }, t(html ? "mail_html" : "mail_text")));
    parts.push(el("div", { class: "formats" }, ...buttons));
  }
  parts.push(text);
  if (mail.attachments.length) parts.push(el("p", { class: "mail-head" }, t("mail_attachments", { names: mail.attachments.join("、") })));
  if (!mail.sent) parts.push(mailForm(mail));
  $("mail-view").replaceChildren(...parts);
  $("mail-view").scrollTop = 0;
}
function mailForm(answered) {
  const subject = el("input", { name: "subject", required: true, maxlength: "200" });
  const body = el("textarea", { name: "text", rows: answered ? "4" : "8", required: true, maxlength: "20000" });
  const from = mailbox;
  const submit = el("button", {}, t("mail_send"));
  const form = el("form", { class: "mail-form", autocomplete: "off" },
    answered ? "" : el("label", {}, t("mail_to"), el("input", { value: state.support_address, disabled: true })),
    answered ? "" : el("label", {}, t("mail_subject"), subject),
    el("label", {}, answered ? t("mail_answer") : t("mail_body"), body),
    answered ? el("small", {}, t("mail_answer_hint", { address: answered.reply_to })) : "",
    submit);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!body.value.trim()) return;
    submit.disabled = true;
    submit.textContent = t("mail_sending");
    const told = await call("mail", { from, answer_to: answered?.id ?? null, subject: subject.value, text: body.value });
    submit.disabled = false;
    submit.textContent = t("mail_send");
    if (!told) return;
    body.value = "";
    opened = null;
    $("mail-view").replaceChildren(el("p", { class: "empty" }, t("mail_sent")));
  });
  return form;
}
function drawMail() {
  const owners = state.people.filter((p) => p.address);
  if (!mailbox) mailbox = state.staff_address;
  const picker = $("mailbox");
  if (picker.options.length !== owners.length) {
    picker.replaceChildren(...owners.map((p) => el("option", { value: p.address }, p.name)));
    picker.value = mailbox;
  }
  drawMailList();
  // Opening means reading: not while the pane is behind another tab, and not over a mail that is being written.
  const isSeen = $("mail-view").offsetParent !== null;
  const next = mails().find((m) => !m.sent && !read.has(m.id)) ?? mails()[0];
  if (!opened && next && isSeen && $("mail-view").querySelector("form") === null) openMail(next.id);
}

// ---- the product's page

/** Discussions in the order in which links to them turned up, the newest last. */
function discussions() {
  const found = new Map();
  const walk = (value, at) => {
    if (typeof value === "string") {
      for (const match of value.matchAll(/(?:https?:\/\/[^\s/]+)?\/d\/(\d+)[^\s<>"「」）)]*/g)) {
        if (!found.has(match[1])) found.set(match[1], { number: match[1], path: discussionPath(match[0]) ?? `/d/${match[1]}`, at });
      }
    } else if (value && typeof value === "object") Object.values(value).forEach((v) => walk(v, at));
  };
  state.lines.filter((l) => l.by === "bot").forEach((l) => walk(l.content, l.at));
  state.mails.filter((m) => !m.sent).forEach((m) => walk(m.text, m.at));
  return [...found.values()].sort((a, b) => a.at - b.at || a.number - b.number);
}
function show(path, byHand) {
  if (byHand) {
    $("follow").checked = false;
    pinned = true;
    tab("page");
  }
  $("page-empty").hidden = true;
  $("frame").hidden = $("open").hidden = false;
  $("open").href = path;
  if (path !== shownLink || byHand) $("frame").src = path;
  shownLink = path;
  const number = path.match(/\d+/)[0];
  if ([...$("numbers").options].some((o) => o.value === number)) $("numbers").value = number;
}
function drawPage() {
  const known = discussions();
  const picker = $("numbers");
  picker.hidden = known.length === 0;
  if (picker.options.length !== known.length) {
    picker.replaceChildren(...known.map((d) => el("option", { value: d.number }, `#${d.number}`)));
    if (shownLink) picker.value = shownLink.match(/\d+/)[0];
  }
  if (known.length && (!pinned || $("follow").checked)) show(known.at(-1).path, false);
  return known.length;
}

// ---- all of it

function drawBadges() {
  const set = (name, count) => {
    const badge = document.querySelector(`[data-badge="${name}"]`);
    badge.textContent = count;
    badge.hidden = count <= 0;
  };
  const now = document.body.dataset.tab, known = discussions().length;
  if (now === "line" || !seenLines) seenLines = state.lines.length;
  if (now === "page") seenDiscussions = known;
  set("line", state.lines.length - seenLines);
  set("mail", unread());
  set("page", known - seenDiscussions);
}
function tab(name) {
  document.body.dataset.tab = name;
  for (const button of document.querySelectorAll("[data-tab-of]")) button.setAttribute("aria-pressed", String(button.dataset.tabOf === name));
  if (state) {
    drawBadges();
    if (name === "line") $("log").scrollTop = $("log").scrollHeight;
    if (name === "mail") drawMail();
  }
}
function drawPeople() {
  const writers = state.people.filter((p) => p.user);
  if (!who) who = writers[0].user;
  if ($("who").querySelectorAll("label").length === writers.length) return;
  $("who").append(...writers.map((p) => el("label", {}, el("input", { type: "radio", name: "who", value: p.user, checked: p.user === who, onchange: () => { who = p.user; setMode(null); drawLog(); } }), el("span", {}, p.name))));
}
function draw() {
  $("line-title").textContent = state.group;
  document.querySelector(".group-avatar").textContent = [...state.group][0];
  $("line-members").textContent = t("members", { count: state.members, bot: state.bot });
  drawPeople();
  drawLog();
  drawMail();
  drawPage();
  drawBadges();
}

$("composer").addEventListener("submit", send);
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  // While an input method is composing, Enter chooses a word.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  if (event.key === "Escape") setMode(null);
});
$("context-close").addEventListener("click", () => setMode(null));
$("mention").addEventListener("click", () => setMention(!mentioning));
$("pick-image").addEventListener("click", () => $("image-file").click());
$("pick-file").addEventListener("click", () => $("any-file").click());
$("image-file").addEventListener("change", (event) => upload(event.target, "image"));
$("any-file").addEventListener("change", (event) => upload(event.target, "file"));
const toggleStickers = (open) => {
  $("stickers").hidden = !open;
  $("pick-sticker").setAttribute("aria-expanded", String(open));
};
$("pick-sticker").addEventListener("click", () => toggleStickers($("stickers").hidden));
$("stickers").append(...STICKERS.map((one) => el("button", { type: "button", onclick: () => { toggleStickers(false); call("sticker", { who, keyword: one[0], quote: mode?.quote ?? null }); setMode(null); } }, sticker(one))));
$("mailbox").addEventListener("change", (event) => {
  mailbox = event.target.value;
  opened = null;
  $("mail-view").replaceChildren(el("p", { class: "empty" }, t("mail_empty")));
  drawMail();
});
$("write").addEventListener("click", () => {
  opened = null;
  drawMailList();
  $("mail-view").replaceChildren(el("h3", {}, t("write_mail")), mailForm(null));
  $("mail-view").querySelector("[name=subject]").focus();
});
$("follow").addEventListener("change", () => { pinned = !$("follow").checked; if (state) drawPage(); });
$("numbers").addEventListener("change", (event) => show(discussions().find((d) => d.number === event.target.value).path, true));
for (const button of document.querySelectorAll("[data-tab-of]")) button.addEventListener("click", () => tab(button.dataset.tabOf));
for (const a of document.querySelectorAll(".langs a")) if (a.lang === lang) a.setAttribute("aria-current", "true");
poll();
